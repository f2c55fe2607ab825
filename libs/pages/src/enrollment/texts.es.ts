import type { EnrollmentTexts } from './texts.js';

const askForNew = 'Pida uno nuevo a quien le dio el código.';

export const spanish: EnrollmentTexts = {
  offer: {
    title: 'Configure su segundo paso',
    asks: (issuer) => `${issuer} le pide que añada un segundo paso a su inicio de sesión.`,
    why: 'A partir de entonces, para iniciar sesión hará falta también un código de una aplicación de su teléfono: una contraseña robada no bastará.',
    account: 'Cuenta',
    purpose: 'Motivo indicado',
    need: 'Necesita una aplicación de autenticación en su teléfono. Si no tiene ninguna, instálela primero: esta página espera.',
    once: (until) => `Este código sirve una sola vez, hasta el ${until}.`,
    caution: (issuer) =>
      `Continúe solo si lo esperaba y la cuenta es suya. Si un desconocido le envió el código o le mete prisa, no siga y avise a ${issuer}.`,
    pin: 'Su PIN',
    pinFrom: (issuer) => `${issuer} le comunica un PIN de ocho cifras por otra vía que este código.`,
    wrongPin: 'Este no es el PIN de este código.',
    button: 'Empezar',
  },
  setup: {
    title: 'Añada la cuenta a su aplicación',
    once: 'Esto se muestra una sola vez y solo a usted: no lo envíe a nadie ni le haga una foto.',
    qr: 'Código QR para la aplicación de autenticación',
    onThisPhone: '¿Tiene la aplicación en el dispositivo en el que lee esto?',
    open: 'Abrir en la aplicación',
    type: '¿No puede escanear? Escriba esta clave en la aplicación, como clave basada en el tiempo.',
    key: 'Clave',
    copy: 'Copiar',
    copied: 'Copiado',
    unusual: (what) => `No todas las aplicaciones admiten lo que pide esta cuenta (${what}).`,
  },
  code: {
    title: 'Introduzca el código de su aplicación',
    next: 'Después, introduzca el código que muestra la aplicación',
    already: 'El código QR ya se mostró y no se muestra otra vez. Si está en su aplicación, continúe.',
    label: 'Código de la aplicación',
    button: 'Confirmar',
    another: 'Si no está en su aplicación, pida que se genere uno nuevo. El anterior dejará de servir.',
    app: '¿Qué aplicación es? (opcional)',
    otherApp: 'Otra, o prefiero no decirlo',
    renew: 'Mostrar un código QR nuevo',
    wrong: 'No es el código esperado. Espere al siguiente e inténtelo de nuevo.',
    left: (tries) => (tries === 1 ? 'Queda 1 intento.' : `Quedan ${tries} intentos.`),
    fast: (seconds) =>
      `El reloj de su teléfono va unos ${seconds} s adelantado. Póngalo en automático en los ajustes e inténtelo de nuevo.`,
    slow: (seconds) =>
      `El reloj de su teléfono va unos ${seconds} s atrasado. Póngalo en automático en los ajustes e inténtelo de nuevo.`,
    ignored: (what) =>
      `Su aplicación no tiene en cuenta lo que pide esta cuenta (${what}). Use otra aplicación de autenticación.`,
    minutes: (minutes) => (minutes === 1 ? 'Tiene 1 minuto.' : `Tiene ${minutes} minutos.`),
  },
  recovery: {
    title: 'Guarde sus códigos de recuperación',
    active: 'Su segundo paso está activo.',
    keep: 'Si pierde el teléfono, cada uno de estos códigos le permite entrar una vez. Guárdelos donde los encuentre sin él. No se muestran otra vez.',
    copy: 'Copiar',
    download: 'Descargar',
    print: 'Imprimir',
    saved: 'He guardado estos códigos',
    button: 'Terminar',
    mustSave: 'Guarde primero los códigos y marque la casilla.',
    already: 'Sus códigos de recuperación ya se mostraron y no se muestran otra vez. Si los ha guardado, termine.',
    another: 'Si no, pida que se generen otros. Los anteriores dejarán de servir.',
    renew: 'Mostrar códigos nuevos',
  },
  done: {
    title: 'Todo listo',
    happened: (issuer) => `A partir de ahora, ${issuer} le pedirá un código de su aplicación.`,
    todo: 'Puede cerrar esta página.',
  },
  ends: {
    used: {
      title: 'Este código ya se ha utilizado',
      happened: 'Sirve una sola vez y un navegador ya lo ha usado. Si fue usted, continúe en ese mismo navegador.',
      todo: 'Si no fue usted, puede que otra persona esté configurando su cuenta: avise ahora.',
    },
    expired: {
      title: 'Este código ha caducado',
      happened: 'No se usó a tiempo. Nada ha cambiado en su cuenta.',
      todo: askForNew,
    },
    late: {
      title: 'Se acabó el tiempo',
      happened:
        'No se confirmó a tiempo ningún código de la aplicación. Quite la cuenta nueva de su aplicación: no funciona.',
      todo: askForNew,
    },
    revoked: {
      title: 'Este código ha sido revocado',
      happened: 'Quien lo emitió lo ha anulado. Nada ha cambiado en su cuenta.',
      todo: askForNew,
    },
    superseded: {
      title: 'Hay un código más reciente',
      happened: 'Este fue sustituido y ya no sirve.',
      todo: 'Use el código más reciente que le hayan dado.',
    },
    failed: {
      title: 'Demasiados códigos incorrectos',
      happened: 'Por seguridad, esta configuración ha terminado. Quite la cuenta nueva de su aplicación: no funciona.',
      todo: askForNew,
    },
    guessed: {
      title: 'Demasiados PIN incorrectos',
      happened: 'Por seguridad, este código ya no es válido. En su cuenta no ha cambiado nada.',
      todo: askForNew,
    },
    disabled: {
      title: 'La configuración está desactivada',
      happened: 'En este momento nadie puede configurar aquí un segundo paso. Su código no se ha gastado.',
      todo: 'Inténtelo más tarde o pregunte a quien le dio el código.',
    },
  },
  notMe: 'No fui yo',
  told: 'Quien emitió el código ya está avisado. Si puede, llame también.',
};
