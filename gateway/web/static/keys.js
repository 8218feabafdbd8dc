// Security keys: asks the browser for one as the form's options say, and sends the form with its
// answer. Sign-in by a key cannot work without this; an authenticator app can.
const form = document.querySelector("form[data-key]");

function bytes(text) {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
}

function text(buffer) {
  const plain = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(plain).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function known(list) {
  return (list || []).map((item) => ({ ...item, id: bytes(item.id) }));
}

async function made(options) {
  const publicKey = {
    ...options,
    challenge: bytes(options.challenge),
    user: { ...options.user, id: bytes(options.user.id) },
    excludeCredentials: known(options.excludeCredentials),
  };
  const key = await navigator.credentials.create({ publicKey });
  return {
    id: key.id,
    rawId: text(key.rawId),
    type: key.type,
    response: {
      attestationObject: text(key.response.attestationObject),
      clientDataJSON: text(key.response.clientDataJSON),
      transports: key.response.getTransports ? key.response.getTransports() : [],
    },
    extensions: JSON.stringify(key.getClientExtensionResults()),
  };
}

async function used(options) {
  const publicKey = {
    ...options,
    challenge: bytes(options.challenge),
    allowCredentials: known(options.allowCredentials),
  };
  const key = await navigator.credentials.get({ publicKey });
  return {
    id: key.id,
    rawId: text(key.rawId),
    type: key.type,
    response: {
      authenticatorData: text(key.response.authenticatorData),
      clientDataJSON: text(key.response.clientDataJSON),
      signature: text(key.response.signature),
      userHandle: key.response.userHandle ? text(key.response.userHandle) : null,
    },
  };
}

if (form) {
  const ask = form.dataset.key === "create" ? made : used;
  ask(JSON.parse(form.dataset.options))
    .then((answer) => {
      form.elements.credential.value = JSON.stringify(answer);
      form.submit();
    })
    .catch(() => {
      const fault = form.querySelector("[data-key-fault]");
      fault.textContent = fault.dataset.keyFault + " Start again, and use it when your browser asks.";
      fault.hidden = false;
    });
}
