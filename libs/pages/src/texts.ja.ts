import type { Texts } from './texts.js';

const askForNew = 'このコードの提供元に、新しいコードをご依頼ください。';

export const japanese: Texts = {
  language: 'ja',
  frame: { issuedBy: (name) => `発行元：${name}`, checkCode: 'コードを確認する', help: 'ヘルプ' },
  claimOnce: {
    title: 'リンクを開く',
    happened: 'このリンクは一度だけ開くことができます。まだ使用されていません。',
    todo: '準備ができたら、ボタンを押してください。',
  },
  claimLimited: {
    title: 'リンクを開く',
    happened:
      'このリンクを開くことができる回数には限りがあります。このページを表示しただけでは、使用回数に数えられません。',
    todo: '準備ができたら、ボタンを押してください。1回の使用として数えられます。',
  },
  claimButton: 'リンクを開く',
  password: {
    title: 'このコードは保護されています',
    happened: 'このコードには、発行者によりパスワードが設定されています。',
    todo: 'お知らせされたパスワードを入力してください。',
    label: 'パスワード',
    button: '次へ',
    wrong: 'パスワードが違います。ご確認のうえ、もう一度お試しください。',
  },
  app: {
    title: 'アプリで開く',
    happened: 'このコードの内容は、アプリで開くのに適しています。',
    todo: 'アプリをお持ちでない場合や、何も起こらない場合は、ほかの方法をお選びください。',
    open: 'アプリを開く',
    get: 'アプリを入手する',
    web: 'ウェブページへ進む',
  },
  contact: {
    save: '連絡先を保存',
    phone: '電話',
    mobile: '携帯電話',
    work: '電話（勤務先）',
    home: '電話（自宅）',
    fax: 'ファックス',
    email: 'メール',
    website: 'ウェブサイト',
    address: '住所',
    note: 'メモ',
  },
  wifi: {
    title: 'Wi-Fiに接続する',
    network: 'ネットワーク',
    password: 'パスワード',
    security: 'セキュリティ',
    noPassword: 'パスワードは必要ありません',
    copy: 'パスワードを長押しするとコピーできます。',
    how: '接続のしかた',
    openSettings: 'スマートフォンのWi-Fi設定を開きます。',
    chooseNetwork: '上記の名前のネットワークを選びます。',
    enterPassword: 'パスワードを入力して接続します。',
    chooseHidden: 'このネットワークは一覧に表示されません。「その他」を選び、上記の名前をそのとおりに入力します。',
    scan: 'ほかのスマートフォンは、このコードをカメラで読み取ると接続できます。',
    qr: 'ネットワークの名前とパスワードを含むQRコード',
  },
  event: { save: 'カレンダーに追加', when: '日時', where: '場所', website: 'ウェブサイト' },
  file: {
    open: '開く',
    download: 'ダウンロード',
    kinds: {
      pdf: 'PDF文書',
      image: '画像',
      audio: '音声ファイル',
      video: '動画',
      text: 'テキストファイル',
      other: 'ファイル',
    },
  },
  problems: {
    'code-unknown': {
      title: 'このコードは登録されていません',
      happened: 'このアドレスに該当するコードはありません。入力または印刷に誤りがある可能性があります。',
      todo: 'コードをもう一度読み取るか、アドレスを一文字ずつご確認ください。大文字と小文字は区別されます。',
    },
    'code-revoked': {
      title: 'このコードは取り消されました',
      happened: 'このコードは発行者により無効にされました。再び有効になることはありません。',
      todo: askForNew,
    },
    'code-expired': {
      title: 'このコードは有効期限が切れています',
      happened: 'このコードの有効期間は終了しました。',
      todo: askForNew,
    },
    'code-exhausted': {
      title: 'このコードは使用済みです',
      happened: 'このコードは使用できる回数に限りがあり、残りの回数がありません。',
      todo: `ご自身で使用された覚えがない場合は、このコードの提供元にお知らせください。${askForNew}`,
    },
    'code-paused': {
      title: 'このコードは停止されています',
      happened: 'このコードは発行者により停止されています。一時的な停止の可能性もあります。',
      todo: 'しばらくしてからもう一度お試しいただくか、コードの提供元にお問い合わせください。',
    },
    'code-not-active-yet': {
      title: 'このコードはまだ有効ではありません',
      happened: 'このコードは、後日から使用できるように発行されています。',
      todo: 'コードを保管し、後でもう一度読み取ってください。',
    },
    'code-undecided': {
      title: '現在、このコードを確認できません',
      happened: 'このコードが有効かどうかを確認できませんでした。',
      todo: '少し待ってから、もう一度お試しください。ボタンを押した場合は、前のページに戻ってもう一度押してください。二重に数えられることはありません。',
    },
    'too-many-requests': {
      title: '試行回数が多すぎます',
      happened: 'お使いのネットワークから、短時間に多くの試行がありました。',
      todo: '少し待ってから、もう一度お試しください。',
    },
    'invalid-request': {
      title: 'このページは古くなっています',
      happened: 'フォームを読み取れませんでした。使用回数には数えられていません。',
      todo: 'コードをもう一度読み取り、新しいページのボタンを押してください。',
    },
  },
  otherProblem: {
    title: '問題が発生しました',
    happened: 'リクエストを処理できませんでした。',
    todo: 'コードをもう一度読み取ってください。解決しない場合は、コードの提供元にお知らせください。',
  },
  activeFrom: (at) => `${at}から有効になります。`,
  retryAfter: (seconds) => `${seconds}秒後にもう一度お試しいただけます。`,
  reference: (requestId) => `お問い合わせ番号：${requestId}`,
};
