import type { Texts } from './texts.js';

const askForNew = 'Demandez-en un nouveau à la personne ou à l’entreprise qui vous l’a donné.';

/** French puts a no-break space before a colon: here it is written as `\u00a0`, as nobody would see it. */
export const french: Texts = {
  language: 'fr',
  frame: { issuedBy: (name) => `Émis par ${name}`, checkCode: 'Vérifier un code', help: 'Aide' },
  claimOnce: {
    title: 'Ouvrir votre lien',
    happened: 'Ce lien ne peut être ouvert qu’une seule fois. Rien n’a encore été utilisé.',
    todo: 'Appuyez sur le bouton au moment de l’ouvrir.',
  },
  claimLimited: {
    title: 'Ouvrir votre lien',
    happened: 'Ce lien ne peut être ouvert qu’un nombre limité de fois. Rien n’a encore été utilisé.',
    todo: 'Appuyez sur le bouton au moment de l’ouvrir\u00a0: cela comptera comme une utilisation.',
  },
  claimButton: 'Ouvrir le lien',
  password: {
    title: 'Ce code est protégé',
    happened: 'L’émetteur de ce code l’a protégé par un mot de passe.',
    todo: 'Saisissez le mot de passe qui vous a été donné.',
    label: 'Mot de passe',
    button: 'Continuer',
    wrong: 'Ce n’est pas le bon mot de passe. Vérifiez-le, puis réessayez.',
  },
  app: {
    title: 'Ouvrir dans l’application',
    happened: 'Ce à quoi mène ce code s’ouvre de préférence dans une application.',
    todo: 'Si vous n’avez pas l’application, ou si rien ne se passe, choisissez une autre possibilité.',
    open: 'Ouvrir l’application',
    get: 'Obtenir l’application',
    web: 'Aller à la page web',
  },
  contact: {
    save: 'Enregistrer le contact',
    phone: 'Téléphone',
    mobile: 'Téléphone portable',
    work: 'Téléphone professionnel',
    home: 'Téléphone personnel',
    fax: 'Télécopie',
    email: 'Adresse e-mail',
    website: 'Site web',
    address: 'Adresse',
    note: 'Remarque',
  },
  wifi: {
    title: 'Se connecter au Wi-Fi',
    network: 'Réseau',
    password: 'Mot de passe',
    security: 'Sécurité',
    noPassword: 'Aucun mot de passe n’est nécessaire',
    copy: 'Appuyez longuement sur le mot de passe pour le copier.',
    how: 'Comment se connecter',
    openSettings: 'Ouvrez les réglages Wi-Fi de votre téléphone.',
    chooseNetwork: 'Choisissez le réseau qui porte le nom ci-dessus.',
    enterPassword: 'Saisissez le mot de passe et connectez-vous.',
    chooseHidden:
      'Le réseau est masqué\u00a0: choisissez «\u00a0Autre\u00a0» et saisissez son nom tel qu’il figure ci-dessus.',
    scan: 'Un autre téléphone peut se connecter en scannant ce code avec son appareil photo.',
    qr: 'Code QR contenant le nom et le mot de passe du réseau',
  },
  event: { save: 'Ajouter au calendrier', when: 'Quand', where: 'Où', website: 'Site web' },
  file: {
    open: 'Ouvrir',
    download: 'Télécharger',
    kinds: {
      pdf: 'Document PDF',
      image: 'Fichier image',
      audio: 'Fichier audio',
      video: 'Fichier vidéo',
      text: 'Fichier texte',
      other: 'Fichier',
    },
  },
  check: {
    title: 'Vérifier un code',
    lead: 'Ce code QR a-t-il été émis ici\u00a0? Vérifiez-le avant de vous y fier.',
    scan: 'Scanner avec l’appareil photo',
    stop: 'Arrêter l’appareil photo',
    picture: 'Choisir une image',
    privacy: 'Ce que voit l’appareil photo reste sur votre appareil. Seul le lien contenu dans le code est envoyé.',
    looking: 'Placez le code devant l’appareil photo.',
    denied:
      'Le navigateur n’a pas accès à l’appareil photo. Autorisez-le dans ses réglages, ou collez le lien ci-dessous.',
    absent: 'L’appareil photo n’est pas utilisable. Choisissez une image, ou collez le lien ci-dessous.',
    nothing: 'Aucun code n’a pu être lu dans cette image.',
    noLink: 'Ce code ne contient aucun lien web\u00a0: nous ne l’avons pas émis comme page. Rien n’a été envoyé.',
    link: 'Lien du code',
    button: 'Vérifier',
    unreadable: 'Ce n’est pas un lien web. Collez-le en entier, de https:// jusqu’à la fin.',
    ownAddress: (host) =>
      `Vous pouvez vous fier à cette page si la barre d’adresse de votre navigateur affiche ${host}.`,
    leadsTo: (host) => `Il mène à ${host}.`,
    another: 'Vérifier un autre code',
    verdicts: {
      active: {
        title: 'Authentique et actif',
        happened: 'Ce code a été émis ici et peut être utilisé.',
        todo: 'Ne continuez que si vous l’attendiez. Si un inconnu vous l’a envoyé ou vous presse, abstenez-vous\u00a0: un code authentique peut lui aussi être transmis par de mauvaises mains.',
      },
      scheduled: {
        title: 'Authentique, mais pas encore actif',
        happened: 'Ce code a été émis ici pour une date ultérieure.',
        todo: 'Conservez-le et utilisez-le le moment venu.',
      },
      paused: {
        title: 'Authentique, mais désactivé',
        happened: 'Ce code a été émis ici et il est désactivé pour le moment.',
        todo: 'Réessayez plus tard, ou renseignez-vous auprès de la personne ou de l’entreprise qui vous l’a donné.',
      },
      expired: {
        title: 'Authentique, mais expiré',
        happened: 'Ce code a été émis ici. Sa durée de validité est écoulée.',
        todo: askForNew,
      },
      exhausted: {
        title: 'Authentique, mais épuisé',
        happened: 'Ce code a été émis ici pour un nombre limité d’utilisations, et il n’en reste aucune.',
        todo: `Si ce n’est pas vous qui l’avez utilisé, signalez-le à la personne ou à l’entreprise qui vous l’a donné. ${askForNew}`,
      },
      revoked: {
        title: 'Authentique autrefois, révoqué depuis',
        happened: 'Ce code a été émis ici. Son émetteur y a mis fin définitivement.',
        todo: `Ne vous y fiez pas. ${askForNew}`,
      },
      unknown: {
        title: 'Nous n’avons pas émis ce code',
        happened: 'Le lien porte notre adresse, mais ce code n’existe pas.',
        todo: 'Comparez-le lettre par lettre\u00a0: les majuscules et les minuscules comptent. S’il est exact, méfiez-vous de la personne qui vous l’a donné.',
      },
      foreign: {
        title: 'Nous n’avons pas émis ce code',
        happened: 'Le lien ne mène pas chez nous.',
        todo: 'Si quelqu’un affirme qu’il vient de nous, ne l’ouvrez pas et n’y saisissez rien.',
      },
    },
  },
  problems: {
    'code-unknown': {
      title: 'Ce code n’est pas connu ici',
      happened: 'Il n’y a pas de code à cette adresse. Elle a peut-être été mal saisie ou mal imprimée.',
      todo: 'Scannez le code à nouveau, ou comparez l’adresse lettre par lettre\u00a0: les majuscules et les minuscules comptent.',
    },
    'code-revoked': {
      title: 'Ce code a été révoqué',
      happened: 'L’émetteur de ce code y a mis fin définitivement.',
      todo: askForNew,
    },
    'code-expired': {
      title: 'Ce code a expiré',
      happened: 'La durée de validité de ce code est écoulée.',
      todo: askForNew,
    },
    'code-exhausted': {
      title: 'Ce code a déjà été utilisé',
      happened: 'Ce code ne pouvait servir qu’un nombre limité de fois, et il ne reste aucune utilisation.',
      todo: `Si ce n’est pas vous qui l’avez utilisé, signalez-le à la personne ou à l’entreprise qui vous l’a donné. ${askForNew}`,
    },
    'code-paused': {
      title: 'Ce code est désactivé',
      happened: 'L’émetteur de ce code l’a désactivé, peut-être seulement pour un temps.',
      todo: 'Réessayez plus tard, ou renseignez-vous auprès de la personne ou de l’entreprise qui vous l’a donné.',
    },
    'code-not-active-yet': {
      title: 'Ce code n’est pas encore actif',
      happened: 'Ce code a été émis pour une date ultérieure.',
      todo: 'Conservez-le et scannez-le à nouveau plus tard.',
    },
    'code-undecided': {
      title: 'Ce code ne peut pas être vérifié pour le moment',
      happened: 'Nous n’avons pas pu déterminer si ce code est encore valable.',
      todo: 'Patientez un instant, puis réessayez. Si vous aviez appuyé sur un bouton, revenez en arrière et appuyez de nouveau\u00a0: cela ne sera pas compté deux fois.',
    },
    'too-many-requests': {
      title: 'Trop de tentatives',
      happened: 'Il y a eu trop de tentatives depuis votre réseau en peu de temps.',
      todo: 'Patientez un peu, puis réessayez.',
    },
    'invalid-request': {
      title: 'Cette page n’est plus à jour',
      happened: 'Le formulaire n’a pas pu être lu. Rien n’a été utilisé.',
      todo: 'Scannez le code à nouveau et appuyez sur le bouton de la nouvelle page.',
    },
  },
  otherProblem: {
    title: 'Un problème est survenu',
    happened: 'Cette demande n’a pas pu aboutir.',
    todo: 'Scannez le code à nouveau. Si cela ne suffit pas, signalez-le à la personne ou à l’entreprise qui vous l’a donné.',
  },
  activeFrom: (at) => `Il sera actif à partir du ${at}.`,
  retryAfter: (seconds) => `Vous pourrez réessayer dans ${seconds} ${seconds === 1 ? 'seconde' : 'secondes'}.`,
  reference: (requestId) => `Référence\u00a0: ${requestId}`,
};
