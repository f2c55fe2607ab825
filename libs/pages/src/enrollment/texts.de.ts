import type { EnrollmentTexts } from './texts.js';

const askForNew = 'Bitten Sie die Stelle, von der Sie den Code haben, um einen neuen.';

export const german: EnrollmentTexts = {
  offer: {
    title: 'Zweiten Schritt einrichten',
    asks: (issuer) => `${issuer} bittet Sie, Ihre Anmeldung um einen zweiten Schritt zu ergänzen.`,
    why: 'Danach gehört zur Anmeldung auch ein Code aus einer App auf Ihrem Telefon. Ein gestohlenes Passwort allein genügt dann nicht mehr.',
    account: 'Konto',
    purpose: 'Angegebener Grund',
    need: 'Sie brauchen eine Authenticator-App auf Ihrem Telefon. Wenn Sie keine haben, installieren Sie zuerst eine: Diese Seite wartet.',
    once: (until) => `Dieser Code lässt sich einmal verwenden, bis zum ${until}.`,
    caution: (issuer) =>
      `Fahren Sie nur fort, wenn Sie das erwartet haben und das Konto Ihres ist. Wenn ein Fremder den Code geschickt hat oder Sie zur Eile drängt, lassen Sie es, und sagen Sie ${issuer} Bescheid.`,
    pin: 'Ihre PIN',
    pinFrom: (issuer) => `${issuer} nennt Ihnen auf einem anderen Weg als diesem Code eine PIN aus acht Ziffern.`,
    wrongPin: 'Das ist nicht die PIN zu diesem Code.',
    button: 'Beginnen',
  },
  setup: {
    title: 'Konto in die App aufnehmen',
    once: 'Das wird nur einmal und nur Ihnen gezeigt: Schicken Sie es niemandem, und machen Sie kein Bild davon.',
    qr: 'QR-Code für die Authenticator-App',
    onThisPhone: 'Ist die App auf dem Gerät, auf dem Sie dies lesen?',
    open: 'In der App öffnen',
    type: 'Sie können nicht scannen? Geben Sie diesen Schlüssel in die App ein, als zeitbasierten.',
    key: 'Schlüssel',
    copy: 'Kopieren',
    copied: 'Kopiert',
    unusual: (what) => `Nicht jede App beherrscht, was dieses Konto verlangt (${what}).`,
  },
  code: {
    title: 'Code aus der App eingeben',
    next: 'Geben Sie dann den Code ein, den die App zeigt',
    already:
      'Der QR-Code wurde schon gezeigt und wird nicht noch einmal gezeigt. Wenn er in Ihrer App ist, fahren Sie fort.',
    label: 'Code aus der App',
    button: 'Bestätigen',
    another: 'Wenn er nicht in Ihrer App ist, lassen Sie einen neuen machen. Der alte gilt dann nicht mehr.',
    app: 'Welche App ist es? (freiwillig)',
    otherApp: 'Eine andere, oder keine Angabe',
    renew: 'Neuen QR-Code zeigen',
    wrong: 'Das ist nicht der erwartete Code. Warten Sie auf den nächsten, und versuchen Sie es noch einmal.',
    left: (tries) => (tries === 1 ? 'Es bleibt 1 Versuch.' : `Es bleiben ${tries} Versuche.`),
    fast: (seconds) =>
      `Die Uhr Ihres Telefons geht etwa ${seconds} s vor. Stellen Sie sie in den Einstellungen auf automatisch, und versuchen Sie es noch einmal.`,
    slow: (seconds) =>
      `Die Uhr Ihres Telefons geht etwa ${seconds} s nach. Stellen Sie sie in den Einstellungen auf automatisch, und versuchen Sie es noch einmal.`,
    ignored: (what) =>
      `Ihre App übergeht, was dieses Konto verlangt (${what}). Verwenden Sie eine andere Authenticator-App.`,
    minutes: (minutes) => (minutes === 1 ? 'Sie haben 1 Minute Zeit.' : `Sie haben ${minutes} Minuten Zeit.`),
  },
  recovery: {
    title: 'Wiederherstellungscodes aufheben',
    active: 'Ihr zweiter Schritt ist aktiv.',
    keep: 'Wenn Sie Ihr Telefon verlieren, kommen Sie mit jedem dieser Codes einmal hinein. Heben Sie sie so auf, dass Sie sie ohne das Telefon finden. Sie werden nicht noch einmal gezeigt.',
    copy: 'Kopieren',
    download: 'Herunterladen',
    print: 'Drucken',
    saved: 'Ich habe diese Codes aufgehoben',
    button: 'Fertig',
    mustSave: 'Heben Sie die Codes zuerst auf, und setzen Sie das Häkchen.',
    already:
      'Ihre Wiederherstellungscodes wurden schon gezeigt und werden nicht noch einmal gezeigt. Wenn Sie sie aufgehoben haben, sind Sie fertig.',
    another: 'Wenn nicht, lassen Sie neue machen. Die alten gelten dann nicht mehr.',
    renew: 'Neue Codes zeigen',
  },
  done: {
    title: 'Alles eingerichtet',
    happened: (issuer) => `Von jetzt an fragt ${issuer} Sie nach einem Code aus Ihrer App.`,
    todo: 'Sie können diese Seite schließen.',
  },
  ends: {
    used: {
      title: 'Dieser Code wurde bereits verwendet',
      happened:
        'Er gilt einmal, und ein Browser hat ihn verwendet. Wenn Sie das waren, fahren Sie in demselben Browser fort.',
      todo: 'Wenn Sie es nicht waren, richtet vielleicht jemand anderes Ihr Konto ein: Melden Sie es jetzt.',
    },
    expired: {
      title: 'Dieser Code ist abgelaufen',
      happened: 'Er wurde nicht rechtzeitig verwendet. An Ihrem Konto hat sich nichts geändert.',
      todo: askForNew,
    },
    late: {
      title: 'Die Zeit ist um',
      happened:
        'Es wurde nicht rechtzeitig ein Code aus der App bestätigt. Entfernen Sie das neue Konto aus Ihrer App: Es funktioniert nicht.',
      todo: askForNew,
    },
    revoked: {
      title: 'Dieser Code wurde widerrufen',
      happened: 'Wer ihn ausgegeben hat, hat ihn beendet. An Ihrem Konto hat sich nichts geändert.',
      todo: askForNew,
    },
    superseded: {
      title: 'Es gibt einen neueren Code',
      happened: 'Dieser wurde ersetzt und gilt nicht mehr.',
      todo: 'Verwenden Sie den neuesten Code, den man Ihnen gegeben hat.',
    },
    failed: {
      title: 'Zu viele falsche Codes',
      happened:
        'Zur Sicherheit ist diese Einrichtung beendet. Entfernen Sie das neue Konto aus Ihrer App: Es funktioniert nicht.',
      todo: askForNew,
    },
    guessed: {
      title: 'Zu viele falsche PINs',
      happened: 'Zur Sicherheit gilt dieser Code nicht mehr. An Ihrem Konto hat sich nichts geändert.',
      todo: askForNew,
    },
    disabled: {
      title: 'Das Einrichten ist abgeschaltet',
      happened: 'Zurzeit kann hier niemand einen zweiten Schritt einrichten. Ihr Code wurde nicht verbraucht.',
      todo: 'Versuchen Sie es später noch einmal, oder fragen Sie die Stelle, von der Sie den Code haben.',
    },
  },
  notMe: 'Das war ich nicht',
  told: 'Wer den Code ausgegeben hat, weiß jetzt davon. Rufen Sie dort auch an, wenn Sie können.',
};
