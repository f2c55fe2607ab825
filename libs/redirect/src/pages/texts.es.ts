import type { Texts } from './texts.js';

const askForNew = 'Pida uno nuevo a la persona o a la empresa que le dio este código.';

export const spanish: Texts = {
  language: 'es',
  claimOnce: {
    title: 'Abra su enlace',
    happened: 'Este enlace solo se puede abrir una vez. Todavía no se ha gastado ningún uso.',
    todo: 'Pulse el botón cuando quiera abrirlo.',
  },
  claimLimited: {
    title: 'Abra su enlace',
    happened: 'Este enlace solo se puede abrir un número limitado de veces. Todavía no se ha gastado ningún uso.',
    todo: 'Pulse el botón cuando quiera abrirlo: contará como un uso.',
  },
  claimButton: 'Abrir el enlace',
  problems: {
    'code-unknown': {
      title: 'Este código no se conoce aquí',
      happened: 'En esta dirección no hay ningún código. Puede que esté mal escrita o mal impresa.',
      todo: 'Vuelva a escanear el código o compare la dirección letra por letra: las mayúsculas y las minúsculas son distintas.',
    },
    'code-revoked': {
      title: 'Este código ha sido revocado',
      happened: 'Quien emitió este código lo ha anulado definitivamente.',
      todo: askForNew,
    },
    'code-expired': {
      title: 'Este código ha caducado',
      happened: 'El plazo de validez de este código ha terminado.',
      todo: askForNew,
    },
    'code-exhausted': {
      title: 'Este código ya se ha utilizado',
      happened: 'Este código solo se podía utilizar un número limitado de veces y ya no le queda ningún uso.',
      todo: `Si no lo utilizó usted, avise a quien se lo dio. ${askForNew}`,
    },
    'code-paused': {
      title: 'Este código está desactivado',
      happened: 'Quien emitió este código lo ha desactivado, quizá solo por un tiempo.',
      todo: 'Inténtelo más tarde o pregunte a quien le dio este código.',
    },
    'code-not-active-yet': {
      title: 'Este código aún no está activo',
      happened: 'Este código se emitió para una fecha posterior.',
      todo: 'Guárdelo y vuelva a escanearlo más tarde.',
    },
    'code-undecided': {
      title: 'Ahora no se puede comprobar este código',
      happened: 'No hemos podido averiguar si este código sigue siendo válido.',
      todo: 'Espere un momento e inténtelo de nuevo. Si había pulsado un botón, vuelva atrás y púlselo otra vez: no se contará dos veces.',
    },
    'too-many-requests': {
      title: 'Demasiados intentos',
      happened: 'Ha habido demasiados intentos desde su red en poco tiempo.',
      todo: 'Espere un poco e inténtelo de nuevo.',
    },
    'invalid-request': {
      title: 'Esta página ya no es válida',
      happened: 'No se ha podido leer el formulario. No se ha gastado ningún uso.',
      todo: 'Vuelva a escanear el código y pulse el botón de la página nueva.',
    },
  },
  otherProblem: {
    title: 'Algo ha fallado',
    happened: 'No se ha podido responder a esta solicitud.',
    todo: 'Vuelva a escanear el código. Si no da resultado, avise a quien se lo dio.',
  },
  activeFrom: (at) => `Estará activo a partir del ${at}.`,
  retryAfter: (seconds) => `Podrá intentarlo de nuevo dentro de ${seconds} ${seconds === 1 ? 'segundo' : 'segundos'}.`,
  reference: (requestId) => `Referencia: ${requestId}`,
};
