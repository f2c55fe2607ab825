import type { Texts } from './texts.js';

const askForNew = 'Bitten Sie die Stelle, von der Sie den Code haben, um einen neuen.';

export const german: Texts = {
  language: 'de',
  frame: { issuedBy: (name) => `Ausgegeben von ${name}`, checkCode: 'Code prüfen', help: 'Hilfe' },
  claimOnce: {
    title: 'Ihren Link öffnen',
    happened: 'Dieser Link lässt sich nur einmal öffnen. Noch wurde nichts verbraucht.',
    todo: 'Drücken Sie auf die Schaltfläche, sobald Sie bereit sind.',
  },
  claimLimited: {
    title: 'Ihren Link öffnen',
    happened: 'Dieser Link lässt sich nur begrenzt oft öffnen. Noch wurde nichts verbraucht.',
    todo: 'Drücken Sie auf die Schaltfläche, sobald Sie bereit sind: Das zählt als eine Nutzung.',
  },
  claimButton: 'Link öffnen',
  password: {
    title: 'Dieser Code ist geschützt',
    happened: 'Wer diesen Code ausgegeben hat, hat ein Passwort dafür festgelegt.',
    todo: 'Geben Sie das Passwort ein, das man Ihnen mitgeteilt hat.',
    label: 'Passwort',
    button: 'Weiter',
    wrong: 'Das ist nicht das Passwort. Prüfen Sie es, und versuchen Sie es noch einmal.',
  },
  app: {
    title: 'In der App öffnen',
    happened: 'Wohin dieser Code führt, öffnet sich am besten in einer App.',
    todo: 'Wenn Sie die App nicht haben oder nichts geschieht, wählen Sie einen der anderen Wege.',
    open: 'App öffnen',
    get: 'App holen',
    web: 'Zur Webseite',
  },
  contact: {
    save: 'Kontakt speichern',
    phone: 'Telefon',
    mobile: 'Mobiltelefon',
    work: 'Telefon, geschäftlich',
    home: 'Telefon, privat',
    fax: 'Telefax',
    email: 'E-Mail',
    website: 'Webseite',
    address: 'Anschrift',
    note: 'Notiz',
  },
  wifi: {
    title: 'Mit dem WLAN verbinden',
    network: 'Netzwerk',
    password: 'Passwort',
    security: 'Sicherheit',
    noPassword: 'Es wird kein Passwort gebraucht',
    copy: 'Halten Sie das Passwort gedrückt, um es zu kopieren.',
    how: 'So verbinden Sie sich',
    openSettings: 'Öffnen Sie die WLAN-Einstellungen Ihres Telefons.',
    chooseNetwork: 'Wählen Sie das Netzwerk mit dem Namen oben.',
    enterPassword: 'Geben Sie das Passwort ein, und verbinden Sie sich.',
    chooseHidden:
      'Das Netzwerk ist verborgen: Wählen Sie „Anderes“, und geben Sie seinen Namen ein, wie er oben steht.',
    scan: 'Ein anderes Telefon verbindet sich, wenn es diesen Code mit der Kamera scannt.',
    qr: 'QR-Code mit dem Namen und dem Passwort des Netzwerks',
  },
  event: { save: 'In den Kalender eintragen', when: 'Wann', where: 'Wo', website: 'Webseite' },
  file: {
    open: 'Öffnen',
    download: 'Herunterladen',
    kinds: {
      pdf: 'PDF-Dokument',
      image: 'Bild',
      audio: 'Audiodatei',
      video: 'Videodatei',
      text: 'Textdatei',
      other: 'Datei',
    },
  },
  check: {
    title: 'Code prüfen',
    lead: 'Wurde dieser QR-Code hier ausgegeben? Finden Sie es heraus, bevor Sie ihm vertrauen.',
    scan: 'Mit der Kamera scannen',
    stop: 'Kamera ausschalten',
    picture: 'Bild auswählen',
    privacy: 'Was die Kamera sieht, bleibt auf Ihrem Gerät. Gesendet wird nur der Link, der im Code steht.',
    looking: 'Halten Sie den Code vor die Kamera.',
    denied:
      'Der Browser darf die Kamera nicht benutzen. Erlauben Sie es in seinen Einstellungen, oder fügen Sie unten den Link ein.',
    absent: 'Die Kamera lässt sich nicht benutzen. Wählen Sie ein Bild aus, oder fügen Sie unten den Link ein.',
    nothing: 'In diesem Bild war kein Code zu lesen.',
    noLink:
      'In diesem Code steht kein Weblink, also haben wir ihn nicht als Seite ausgegeben. Es wurde nichts gesendet.',
    link: 'Link des Codes',
    button: 'Prüfen',
    unreadable: 'Das ist kein Weblink. Fügen Sie ihn ganz ein, von https:// bis zum Ende.',
    ownAddress: (host) => `Auf diese Seite ist Verlass, wenn in der Adresszeile Ihres Browsers ${host} steht.`,
    leadsTo: (host) => `Er führt zu ${host}.`,
    another: 'Weiteren Code prüfen',
    verdicts: {
      active: {
        title: 'Echt und gültig',
        happened: 'Dieser Code wurde hier ausgegeben und kann benutzt werden.',
        todo: 'Fahren Sie nur fort, wenn Sie ihn erwartet haben. Wenn ein Fremder ihn geschickt hat oder Sie zur Eile drängt, lassen Sie es: Auch ein echter Code kann von den Falschen weitergegeben werden.',
      },
      scheduled: {
        title: 'Echt, aber noch nicht gültig',
        happened: 'Dieser Code wurde hier für einen späteren Zeitpunkt ausgegeben.',
        todo: 'Bewahren Sie ihn auf, und benutzen Sie ihn, wenn es so weit ist.',
      },
      paused: {
        title: 'Echt, aber abgeschaltet',
        happened: 'Dieser Code wurde hier ausgegeben und ist zurzeit abgeschaltet.',
        todo: 'Versuchen Sie es später noch einmal, oder fragen Sie die Stelle, von der Sie den Code haben.',
      },
      expired: {
        title: 'Echt, aber abgelaufen',
        happened: 'Dieser Code wurde hier ausgegeben. Seine Zeit ist vorbei.',
        todo: askForNew,
      },
      exhausted: {
        title: 'Echt, aber verbraucht',
        happened: 'Dieser Code wurde hier für eine begrenzte Zahl von Nutzungen ausgegeben, und keine ist übrig.',
        todo: `Wenn nicht Sie ihn verwendet haben, melden Sie das der Stelle, von der Sie ihn haben. ${askForNew}`,
      },
      revoked: {
        title: 'War echt, ist widerrufen',
        happened: 'Dieser Code wurde hier ausgegeben. Wer ihn ausgegeben hat, hat ihn endgültig gesperrt.',
        todo: `Verlassen Sie sich nicht auf ihn. ${askForNew}`,
      },
      unknown: {
        title: 'Dieser Code ist nicht von uns',
        happened: 'Der Link hat unsere Adresse, aber einen solchen Code gibt es nicht.',
        todo: 'Vergleichen Sie ihn Zeichen für Zeichen: Groß- und Kleinbuchstaben sind verschieden. Wenn er stimmt, seien Sie vorsichtig mit der Stelle, von der Sie ihn haben.',
      },
      foreign: {
        title: 'Dieser Code ist nicht von uns',
        happened: 'Der Link führt nicht zu uns.',
        todo: 'Wenn jemand sagt, er komme von uns, öffnen Sie ihn nicht, und geben Sie dort nichts ein.',
      },
    },
  },
  problems: {
    'code-unknown': {
      title: 'Dieser Code ist hier nicht bekannt',
      happened: 'Unter dieser Adresse gibt es keinen Code. Vielleicht wurde sie falsch eingegeben oder gedruckt.',
      todo: 'Scannen Sie den Code noch einmal, oder vergleichen Sie die Adresse Zeichen für Zeichen: Groß- und Kleinbuchstaben sind verschieden.',
    },
    'code-revoked': {
      title: 'Dieser Code wurde widerrufen',
      happened: 'Wer diesen Code ausgegeben hat, hat ihn endgültig gesperrt.',
      todo: askForNew,
    },
    'code-expired': {
      title: 'Dieser Code ist abgelaufen',
      happened: 'Die Zeit, in der dieser Code galt, ist vorbei.',
      todo: askForNew,
    },
    'code-exhausted': {
      title: 'Dieser Code wurde bereits verwendet',
      happened: 'Dieser Code war nur begrenzt oft nutzbar, und alle Nutzungen sind verbraucht.',
      todo: `Wenn nicht Sie ihn verwendet haben, melden Sie das der Stelle, von der Sie ihn haben. ${askForNew}`,
    },
    'code-paused': {
      title: 'Dieser Code ist abgeschaltet',
      happened: 'Wer diesen Code ausgegeben hat, hat ihn abgeschaltet, vielleicht nur vorübergehend.',
      todo: 'Versuchen Sie es später noch einmal, oder fragen Sie die Stelle, von der Sie den Code haben.',
    },
    'code-not-active-yet': {
      title: 'Dieser Code gilt noch nicht',
      happened: 'Dieser Code wurde für einen späteren Zeitpunkt ausgegeben.',
      todo: 'Bewahren Sie ihn auf, und scannen Sie ihn später noch einmal.',
    },
    'code-undecided': {
      title: 'Dieser Code lässt sich gerade nicht prüfen',
      happened: 'Wir konnten nicht feststellen, ob dieser Code noch gültig ist.',
      todo: 'Warten Sie einen Moment, und versuchen Sie es dann noch einmal. Wenn Sie auf eine Schaltfläche gedrückt haben, gehen Sie zurück, und drücken Sie noch einmal: Sie werden nicht doppelt gezählt.',
    },
    'too-many-requests': {
      title: 'Zu viele Versuche',
      happened: 'Aus Ihrem Netz kamen in kurzer Zeit zu viele Versuche.',
      todo: 'Warten Sie ein wenig, und versuchen Sie es dann noch einmal.',
    },
    'invalid-request': {
      title: 'Diese Seite ist veraltet',
      happened: 'Das Formular konnte nicht gelesen werden. Es wurde nichts verbraucht.',
      todo: 'Scannen Sie den Code noch einmal, und drücken Sie auf die Schaltfläche der neuen Seite.',
    },
  },
  otherProblem: {
    title: 'Etwas ist schiefgegangen',
    happened: 'Diese Anfrage konnte nicht beantwortet werden.',
    todo: 'Scannen Sie den Code noch einmal. Wenn das nicht hilft, melden Sie es der Stelle, von der Sie ihn haben.',
  },
  activeFrom: (at) => `Er gilt ab dem ${at}.`,
  retryAfter: (seconds) =>
    `Sie können es in ${seconds} ${seconds === 1 ? 'Sekunde' : 'Sekunden'} noch einmal versuchen.`,
  reference: (requestId) => `Referenz: ${requestId}`,
};
