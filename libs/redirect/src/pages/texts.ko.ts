import type { Texts } from './texts.js';

const askForNew = '이 코드를 제공한 사람이나 회사에 새 코드를 요청해 주십시오.';

export const korean: Texts = {
  language: 'ko',
  claimOnce: {
    title: '링크 열기',
    happened: '이 링크는 한 번만 열 수 있습니다. 아직 사용되지 않았습니다.',
    todo: '준비가 되시면 버튼을 눌러 주십시오.',
  },
  claimLimited: {
    title: '링크 열기',
    happened: '이 링크는 열 수 있는 횟수가 정해져 있습니다. 이 페이지를 여는 것은 횟수에 포함되지 않습니다.',
    todo: '준비가 되시면 버튼을 눌러 주십시오. 한 번 사용한 것으로 계산됩니다.',
  },
  claimButton: '링크 열기',
  problems: {
    'code-unknown': {
      title: '등록되지 않은 코드입니다',
      happened: '이 주소에 해당하는 코드가 없습니다. 주소가 잘못 입력되었거나 잘못 인쇄되었을 수 있습니다.',
      todo: '코드를 다시 스캔하거나 주소를 한 글자씩 확인해 주십시오. 대문자와 소문자는 구분됩니다.',
    },
    'code-revoked': {
      title: '취소된 코드입니다',
      happened: '발급자가 이 코드를 영구적으로 취소했습니다.',
      todo: askForNew,
    },
    'code-expired': {
      title: '만료된 코드입니다',
      happened: '이 코드의 유효 기간이 끝났습니다.',
      todo: askForNew,
    },
    'code-exhausted': {
      title: '이미 사용된 코드입니다',
      happened: '이 코드는 사용 횟수가 제한되어 있으며, 남은 횟수가 없습니다.',
      todo: `직접 사용하지 않으셨다면 코드를 제공한 사람이나 회사에 알려 주십시오. ${askForNew}`,
    },
    'code-paused': {
      title: '중지된 코드입니다',
      happened: '발급자가 이 코드를 중지했습니다. 일시적인 중지일 수 있습니다.',
      todo: '나중에 다시 시도하시거나 코드를 제공한 사람이나 회사에 문의해 주십시오.',
    },
    'code-not-active-yet': {
      title: '아직 사용할 수 없는 코드입니다',
      happened: '이 코드는 나중에 사용할 수 있도록 발급되었습니다.',
      todo: '코드를 보관하시고 나중에 다시 스캔해 주십시오.',
    },
    'code-undecided': {
      title: '지금은 이 코드를 확인할 수 없습니다',
      happened: '이 코드가 아직 유효한지 확인하지 못했습니다.',
      todo: '잠시 기다리신 후 다시 시도해 주십시오. 버튼을 누르셨다면 이전 페이지로 돌아가 다시 눌러 주십시오. 두 번 계산되지 않습니다.',
    },
    'too-many-requests': {
      title: '시도 횟수가 너무 많습니다',
      happened: '사용 중인 네트워크에서 짧은 시간에 너무 많은 시도가 있었습니다.',
      todo: '잠시 기다리신 후 다시 시도해 주십시오.',
    },
    'invalid-request': {
      title: '오래된 페이지입니다',
      happened: '양식을 읽을 수 없었습니다. 사용한 것으로 계산되지 않았습니다.',
      todo: '코드를 다시 스캔하고 새 페이지의 버튼을 눌러 주십시오.',
    },
  },
  otherProblem: {
    title: '문제가 발생했습니다',
    happened: '요청을 처리할 수 없었습니다.',
    todo: '코드를 다시 스캔해 주십시오. 그래도 해결되지 않으면 코드를 제공한 사람이나 회사에 알려 주십시오.',
  },
  activeFrom: (at) => `${at}부터 사용할 수 있습니다.`,
  retryAfter: (seconds) => `${seconds}초 후에 다시 시도하실 수 있습니다.`,
  reference: (requestId) => `문의 번호: ${requestId}`,
};
