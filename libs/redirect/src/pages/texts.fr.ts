import type { Texts } from './texts.js';

const askForNew = 'Demandez-en un nouveau à la personne ou à l’entreprise qui vous l’a donné.';

/** French puts a no-break space before a colon: here it is written as `\u00a0`, as nobody would see it. */
export const french: Texts = {
  language: 'fr',
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
