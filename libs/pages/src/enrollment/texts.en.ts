import type { EnrollmentTexts } from './texts.js';

const askForNew = 'Ask whoever gave you the code for a new one.';

export const english: EnrollmentTexts = {
  offer: {
    title: 'Set up your second step',
    asks: (issuer) => `${issuer} asks you to add a second step to your sign-in.`,
    why: 'From then on, signing in takes a code from an app on your phone as well, so that a stolen password is not enough.',
    account: 'Account',
    purpose: 'Reason given',
    need: 'You need an authenticator app on your phone. If you have none, install one first: this page waits.',
    once: (until) => `This code works once, until ${until}.`,
    caution: (issuer) =>
      `Go on only if you expected this and the account is yours. If a stranger sent you the code or rushes you, stop, and tell ${issuer}.`,
    pin: 'PIN',
    pinFrom: (issuer) => `${issuer} tells you a PIN of eight digits by another way than this code.`,
    wrongPin: 'This is not the PIN that belongs to this code.',
    button: 'Begin',
  },
  setup: {
    title: 'Add the account to your app',
    once: 'This is shown once and for you alone: send it to nobody, and take no picture of it.',
    qr: 'QR code for the authenticator app',
    onThisPhone: 'Is the app on the device that you are reading this on?',
    open: 'Open in the app',
    type: 'Can’t you scan? Type this key into the app, as a time-based one.',
    key: 'Key',
    copy: 'Copy',
    copied: 'Copied',
    unusual: (what) => `Not every app can do what this account asks for (${what}).`,
  },
  code: {
    title: 'Enter the code from your app',
    next: 'Then enter the code that the app shows',
    already: 'The QR code was shown before and is not shown again. If it is in your app, go on.',
    label: 'Code from the app',
    button: 'Confirm',
    another: 'If it is not in your app, have a new one made. The old one stops working.',
    app: 'Which app is it? (optional)',
    otherApp: 'Another one, or I would rather not say',
    renew: 'Show a new QR code',
    wrong: 'This is not the code that we expected. Wait for the next one, and try again.',
    left: (tries) => (tries === 1 ? '1 try is left.' : `${tries} tries are left.`),
    fast: (seconds) =>
      `Your phone’s clock is about ${seconds} s fast. Set it to automatic in the phone’s settings, and try again.`,
    slow: (seconds) =>
      `Your phone’s clock is about ${seconds} s slow. Set it to automatic in the phone’s settings, and try again.`,
    ignored: (what) => `Your app ignores what this account asks for (${what}). Use another authenticator app.`,
    minutes: (minutes) => (minutes === 1 ? 'You have 1 minute.' : `You have ${minutes} minutes.`),
  },
  recovery: {
    title: 'Save your recovery codes',
    active: 'Your second step is active.',
    keep: 'If you lose your phone, each of these codes lets you in once. Keep them where you find them without it. They are not shown again.',
    copy: 'Copy',
    download: 'Download',
    print: 'Print',
    saved: 'I have saved these codes',
    button: 'Finish',
    mustSave: 'Save the codes first, and tick the box.',
    already: 'Your recovery codes were shown before and are not shown again. If you have saved them, finish.',
    another: 'If you have not, have new ones made. The old ones stop working.',
    renew: 'Show new recovery codes',
  },
  done: {
    title: 'All set',
    happened: (issuer) => `From now on, ${issuer} asks you for a code from your app.`,
    todo: 'You can close this page.',
  },
  ends: {
    used: {
      title: 'This code has been used already',
      happened: 'It works once, and a browser has used it. If that was you, go on in the same browser.',
      todo: 'If it was not you, somebody else may be setting up your account: report it now.',
    },
    expired: {
      title: 'This code has expired',
      happened: 'It was not used in time. Nothing about your account has changed.',
      todo: askForNew,
    },
    late: {
      title: 'The time is up',
      happened: 'No code from the app was confirmed in time. Remove the new account from your app: it does not work.',
      todo: askForNew,
    },
    revoked: {
      title: 'This code has been revoked',
      happened: 'Whoever issued it has ended it. Nothing about your account has changed.',
      todo: askForNew,
    },
    superseded: {
      title: 'There is a newer code',
      happened: 'This one was replaced and works no more.',
      todo: 'Use the newest code that you were given.',
    },
    failed: {
      title: 'Too many wrong codes',
      happened: 'To be safe, this set-up has ended. Remove the new account from your app: it does not work.',
      todo: askForNew,
    },
    guessed: {
      title: 'Too many wrong PINs',
      happened: 'To be safe, this code has ended. Nothing has changed about your account.',
      todo: askForNew,
    },
    disabled: {
      title: 'Setting up is switched off',
      happened: 'At present nobody can set up a second step here. Your code was not used.',
      todo: 'Try again later, or ask whoever gave you the code.',
    },
  },
  notMe: 'That was not me',
  told: 'The issuer has been told. Call them, too, if you can.',
};
