import type { Texts } from './texts.js';

const askForNew = 'Ask the person or the company that gave you this code for a new one.';

export const english: Texts = {
  language: 'en',
  claimOnce: {
    title: 'Open your link',
    happened: 'This link can be opened once. Nothing has been used yet.',
    todo: 'Press the button when you are ready.',
  },
  claimLimited: {
    title: 'Open your link',
    happened: 'This link can be opened a limited number of times. Nothing has been used yet.',
    todo: 'Press the button when you are ready: it counts as one use.',
  },
  claimButton: 'Open the link',
  problems: {
    'code-unknown': {
      title: 'This code is not known here',
      happened: 'There is no code at this address. It may have been typed or printed wrongly.',
      todo: 'Scan the code again, or compare the address letter by letter: capitals and small letters differ.',
    },
    'code-revoked': {
      title: 'This code has been revoked',
      happened: 'Whoever issued this code has ended it for good.',
      todo: askForNew,
    },
    'code-expired': { title: 'This code has expired', happened: 'The time of this code is over.', todo: askForNew },
    'code-exhausted': {
      title: 'This code has been used',
      happened: 'This code could be used a limited number of times, and no use is left.',
      todo: `If it was not you who used it, tell whoever gave it to you. ${askForNew}`,
    },
    'code-paused': {
      title: 'This code is switched off',
      happened: 'Whoever issued this code has switched it off, perhaps only for a while.',
      todo: 'Try again later, or ask whoever gave you this code.',
    },
    'code-not-active-yet': {
      title: 'This code is not active yet',
      happened: 'This code has been issued for a later time.',
      todo: 'Keep it, and scan it again later.',
    },
    'code-undecided': {
      title: 'This code cannot be checked right now',
      happened: 'We could not find out whether this code is still good.',
      todo: 'Wait a moment, then try again. If you pressed a button, go back and press it once more: you are not counted twice.',
    },
    'too-many-requests': {
      title: 'Too many attempts',
      happened: 'There were too many attempts from your network in a short time.',
      todo: 'Wait a little, then try again.',
    },
    'invalid-request': {
      title: 'This page is out of date',
      happened: 'The form could not be read. Nothing has been used.',
      todo: 'Scan the code again, and press the button on the new page.',
    },
  },
  otherProblem: {
    title: 'Something went wrong',
    happened: 'This request could not be answered.',
    todo: 'Scan the code again. If that does not help, tell whoever gave it to you.',
  },
  activeFrom: (at) => `It becomes active on ${at}.`,
  retryAfter: (seconds) => `You can try again in ${seconds} ${seconds === 1 ? 'second' : 'seconds'}.`,
  reference: (requestId) => `Reference: ${requestId}`,
};
