import type { EnrollmentTexts } from './texts.js';

const askForNew = 'Demandez-en un nouveau à la personne qui vous a donné le code.';

export const french: EnrollmentTexts = {
  offer: {
    title: 'Configurer votre deuxième étape',
    asks: (issuer) => `${issuer} vous demande d’ajouter une deuxième étape à votre connexion.`,
    why: 'Ensuite, la connexion demandera aussi un code d’une application de votre téléphone : un mot de passe volé ne suffira plus.',
    account: 'Compte',
    purpose: 'Motif indiqué',
    need: 'Il vous faut une application d’authentification sur votre téléphone. Si vous n’en avez pas, installez-en d’abord une : cette page attend.',
    once: (until) => `Ce code est utilisable une seule fois, jusqu’au ${until}.`,
    caution: (issuer) =>
      `Ne continuez que si vous vous y attendiez et que ce compte est le vôtre. Si un inconnu vous a envoyé le code ou vous presse, arrêtez-vous et prévenez ${issuer}.`,
    pin: 'Votre code PIN',
    pinFrom: (issuer) => `${issuer} vous communique un code PIN de huit chiffres par une autre voie que ce code.`,
    wrongPin: 'Ce n’est pas le code PIN qui accompagne ce code.',
    button: 'Commencer',
  },
  setup: {
    title: 'Ajouter le compte à votre application',
    once: 'Ceci n’est montré qu’une fois et qu’à vous : ne l’envoyez à personne et n’en prenez pas de photo.',
    qr: 'Code QR pour l’application d’authentification',
    onThisPhone: 'L’application est-elle sur l’appareil où vous lisez ceci ?',
    open: 'Ouvrir dans l’application',
    type: 'Impossible de scanner ? Saisissez cette clé dans l’application, comme clé basée sur l’heure.',
    key: 'Clé',
    copy: 'Copier',
    copied: 'Copié',
    unusual: (what) => `Toutes les applications ne savent pas faire ce que ce compte demande (${what}).`,
  },
  code: {
    title: 'Saisir le code de votre application',
    next: 'Saisissez ensuite le code que montre l’application',
    already:
      'Le code QR a déjà été montré et ne l’est pas une seconde fois. S’il est dans votre application, continuez.',
    label: 'Code de l’application',
    button: 'Confirmer',
    another: 'S’il n’est pas dans votre application, faites-en créer un nouveau. L’ancien cessera de fonctionner.',
    app: 'De quelle application s’agit-il ? (facultatif)',
    otherApp: 'Une autre, ou je préfère ne pas le dire',
    renew: 'Montrer un nouveau code QR',
    wrong: 'Ce n’est pas le code attendu. Attendez le suivant, puis réessayez.',
    left: (tries) => (tries === 1 ? 'Il reste 1 essai.' : `Il reste ${tries} essais.`),
    fast: (seconds) =>
      `L’horloge de votre téléphone avance d’environ ${seconds} s. Réglez-la sur automatique dans les paramètres, puis réessayez.`,
    slow: (seconds) =>
      `L’horloge de votre téléphone retarde d’environ ${seconds} s. Réglez-la sur automatique dans les paramètres, puis réessayez.`,
    ignored: (what) =>
      `Votre application ignore ce que ce compte demande (${what}). Utilisez une autre application d’authentification.`,
    minutes: (minutes) => (minutes === 1 ? 'Vous avez 1 minute.' : `Vous avez ${minutes} minutes.`),
  },
  recovery: {
    title: 'Conserver vos codes de secours',
    active: 'Votre deuxième étape est active.',
    keep: 'Si vous perdez votre téléphone, chacun de ces codes vous permet d’entrer une fois. Gardez-les là où vous les retrouverez sans lui. Ils ne seront plus montrés.',
    copy: 'Copier',
    download: 'Télécharger',
    print: 'Imprimer',
    saved: 'J’ai conservé ces codes',
    button: 'Terminer',
    mustSave: 'Conservez d’abord les codes, puis cochez la case.',
    already:
      'Vos codes de secours ont déjà été montrés et ne le sont pas une seconde fois. Si vous les avez conservés, terminez.',
    another: 'Sinon, faites-en créer de nouveaux. Les anciens cesseront de fonctionner.',
    renew: 'Montrer de nouveaux codes',
  },
  done: {
    title: 'Tout est prêt',
    happened: (issuer) => `Désormais, ${issuer} vous demandera un code de votre application.`,
    todo: 'Vous pouvez fermer cette page.',
  },
  ends: {
    used: {
      title: 'Ce code a déjà été utilisé',
      happened:
        'Il ne sert qu’une fois, et un navigateur l’a utilisé. Si c’était vous, continuez dans ce même navigateur.',
      todo: 'Si ce n’était pas vous, quelqu’un d’autre configure peut-être votre compte : signalez-le maintenant.',
    },
    expired: {
      title: 'Ce code a expiré',
      happened: 'Il n’a pas été utilisé à temps. Rien n’a changé pour votre compte.',
      todo: askForNew,
    },
    late: {
      title: 'Le temps est écoulé',
      happened:
        'Aucun code de l’application n’a été confirmé à temps. Retirez le nouveau compte de votre application : il ne fonctionne pas.',
      todo: askForNew,
    },
    revoked: {
      title: 'Ce code a été révoqué',
      happened: 'La personne qui l’a émis y a mis fin. Rien n’a changé pour votre compte.',
      todo: askForNew,
    },
    superseded: {
      title: 'Il existe un code plus récent',
      happened: 'Celui-ci a été remplacé et ne fonctionne plus.',
      todo: 'Utilisez le code le plus récent que l’on vous a donné.',
    },
    failed: {
      title: 'Trop de codes erronés',
      happened:
        'Par sécurité, cette configuration est terminée. Retirez le nouveau compte de votre application : il ne fonctionne pas.',
      todo: askForNew,
    },
    guessed: {
      title: 'Trop de codes PIN erronés',
      happened: 'Par sécurité, ce code n’est plus valable. Rien n’a changé sur votre compte.',
      todo: askForNew,
    },
    disabled: {
      title: 'La configuration est désactivée',
      happened: 'Pour le moment, personne ne peut configurer ici de deuxième étape. Votre code n’a pas été utilisé.',
      todo: 'Réessayez plus tard, ou demandez à la personne qui vous a donné le code.',
    },
  },
  notMe: 'Ce n’était pas moi',
  told: 'La personne qui a émis le code en est informée. Appelez-la aussi, si vous le pouvez.',
};
