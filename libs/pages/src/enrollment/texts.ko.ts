import type { EnrollmentTexts } from './texts.js';

const askForNew = '코드를 준 곳에 새 코드를 요청하세요.';

export const korean: EnrollmentTexts = {
  offer: {
    title: '2단계 인증 설정',
    asks: (issuer) => `${issuer}에서 로그인에 2단계 인증을 추가하도록 요청했습니다.`,
    why: '설정한 뒤에는 로그인할 때 휴대전화 앱에 표시되는 코드도 필요합니다. 비밀번호가 유출되어도 그것만으로는 로그인할 수 없습니다.',
    account: '계정',
    purpose: '발급자가 밝힌 이유',
    need: '휴대전화에 인증 앱이 필요합니다. 없으면 먼저 설치하세요. 이 페이지는 기다립니다.',
    once: (until) => `이 코드는 ${until}까지 한 번만 사용할 수 있습니다.`,
    caution: (issuer) =>
      `예상했던 요청이고 본인의 계정일 때만 계속하세요. 모르는 사람이 코드를 보냈거나 재촉한다면 중단하고 ${issuer}에 알리세요.`,
    pin: 'PIN(8자리)',
    pinFrom: (issuer) => `${issuer}에서 이 코드와 다른 방법으로 8자리 PIN을 알려 드립니다.`,
    wrongPin: '이 코드의 PIN이 아닙니다.',
    button: '시작',
  },
  setup: {
    title: '앱에 계정 추가',
    once: '이 내용은 본인에게 한 번만 표시됩니다. 아무에게도 보내지 말고 사진도 찍지 마세요.',
    qr: '인증 앱용 QR 코드',
    onThisPhone: '지금 이 페이지를 보는 기기에 앱이 있나요?',
    open: '앱에서 열기',
    type: '스캔할 수 없나요? 이 키를 시간 기반 키로 앱에 입력하세요.',
    key: '키',
    copy: '복사',
    copied: '복사됨',
    unusual: (what) => `이 계정에 필요한 설정(${what})을 지원하지 않는 앱도 있습니다.`,
  },
  code: {
    title: '앱의 코드 입력',
    next: '그런 다음 앱에 표시된 코드를 입력하세요',
    already: 'QR 코드는 이미 표시되었으며 다시 표시되지 않습니다. 앱에 추가했다면 계속하세요.',
    label: '앱의 코드',
    button: '확인',
    another: '앱에 추가하지 않았다면 새 QR 코드를 만드세요. 이전 것은 더 이상 작동하지 않습니다.',
    app: '어떤 앱인가요? (선택 사항)',
    otherApp: '다른 앱이거나 답하지 않음',
    renew: '새 QR 코드 표시',
    wrong: '예상한 코드가 아닙니다. 다음 코드를 기다렸다가 다시 시도하세요.',
    left: (tries) => `${tries}번 더 시도할 수 있습니다.`,
    fast: (seconds) => `휴대전화 시계가 약 ${seconds}초 빠릅니다. 설정에서 시간을 자동으로 바꾼 뒤 다시 시도하세요.`,
    slow: (seconds) => `휴대전화 시계가 약 ${seconds}초 느립니다. 설정에서 시간을 자동으로 바꾼 뒤 다시 시도하세요.`,
    ignored: (what) => `사용 중인 앱은 이 계정에 필요한 설정(${what})을 무시합니다. 다른 인증 앱을 사용하세요.`,
    minutes: (minutes) => `남은 시간은 ${minutes}분입니다.`,
  },
  recovery: {
    title: '복구 코드 저장',
    active: '2단계 인증이 활성화되었습니다.',
    keep: '휴대전화를 잃어버리면 이 코드마다 한 번씩 로그인할 수 있습니다. 휴대전화 없이도 찾을 수 있는 곳에 보관하세요. 다시 표시되지 않습니다.',
    copy: '복사',
    download: '다운로드',
    print: '인쇄',
    saved: '이 코드를 저장했습니다',
    button: '완료',
    mustSave: '먼저 코드를 저장하고 확인란을 선택하세요.',
    already: '복구 코드는 이미 표시되었으며 다시 표시되지 않습니다. 저장했다면 완료하세요.',
    another: '저장하지 않았다면 새 코드를 만드세요. 이전 코드는 더 이상 작동하지 않습니다.',
    renew: '새 복구 코드 표시',
  },
  done: {
    title: '설정 완료',
    happened: (issuer) => `이제부터 ${issuer}에서 앱의 코드를 요청합니다.`,
    todo: '이 페이지를 닫아도 됩니다.',
  },
  ends: {
    used: {
      title: '이미 사용된 코드입니다',
      happened:
        '이 코드는 한 번만 사용할 수 있으며, 이미 한 브라우저에서 사용되었습니다. 본인이라면 같은 브라우저에서 계속하세요.',
      todo: '본인이 아니라면 다른 사람이 내 계정을 설정하고 있을 수 있습니다. 지금 알리세요.',
    },
    expired: {
      title: '만료된 코드입니다',
      happened: '제때 사용되지 않았습니다. 계정은 아무것도 바뀌지 않았습니다.',
      todo: askForNew,
    },
    late: {
      title: '시간이 다 되었습니다',
      happened: '제때 앱의 코드가 확인되지 않았습니다. 새로 추가한 계정은 작동하지 않으니 앱에서 삭제하세요.',
      todo: askForNew,
    },
    revoked: {
      title: '취소된 코드입니다',
      happened: '발급자가 이 코드를 종료했습니다. 계정은 아무것도 바뀌지 않았습니다.',
      todo: askForNew,
    },
    superseded: {
      title: '더 새로운 코드가 있습니다',
      happened: '이 코드는 교체되어 더 이상 작동하지 않습니다.',
      todo: '가장 최근에 받은 코드를 사용하세요.',
    },
    failed: {
      title: '잘못된 코드가 너무 많습니다',
      happened: '안전을 위해 이 설정을 종료했습니다. 새로 추가한 계정은 작동하지 않으니 앱에서 삭제하세요.',
      todo: askForNew,
    },
    guessed: {
      title: '잘못된 PIN이 너무 많습니다',
      happened: '안전을 위해 이 코드는 더 이상 사용할 수 없습니다. 계정에는 변경된 것이 없습니다.',
      todo: askForNew,
    },
    disabled: {
      title: '설정이 꺼져 있습니다',
      happened: '현재 여기서는 2단계 인증을 설정할 수 없습니다. 코드는 사용되지 않았습니다.',
      todo: '나중에 다시 시도하거나 코드를 준 곳에 문의하세요.',
    },
  },
  notMe: '제가 아닙니다',
  told: '발급자에게 알렸습니다. 가능하면 전화로도 알려 주세요.',
};
