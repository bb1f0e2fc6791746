(() => {
  "use strict";
  const { nonce, next } = document.currentScript.dataset;
  const fragment = location.hash.slice(1);
  // First of all, remove the code from the address bar and the history.
  history.replaceState(null, "", location.pathname);
  if (next) return location.replace(next);
  if (!nonce) return;
  const say = (text) => {
    document.getElementById("text").textContent = text;
  };
  const ask = (answer) => {
    const form = document.getElementById("confirm");
    form.elements.redirect.value = answer.confirm;
    form.hidden = false;
    document.querySelector("main").className = "card failed";
    document.title = document.querySelector("h1").textContent = answer.title;
    say(answer.text);
  };
  if (!fragment) return location.replace("?failed=bad-redirect");
  fetch(location.pathname, {
    method: "POST",
    mode: "same-origin",
    credentials: "same-origin",
    cache: "no-store",
    redirect: "error",
    // Under this page's "no-referrer" policy, some requests name no origin.
    referrerPolicy: "same-origin",
    headers: { "content-type": "text/plain;charset=utf-8", "x-tokenkeeper-nonce": nonce },
    body: fragment,
  })
    .then((response) => response.json())
    .then((answer) => {
      if (answer.next) return location.replace(answer.next);
      if (answer.confirm) return ask(answer);
      say(answer.text);
    })
    .catch(() => {
      say("The login could not be finished. Start it again.");
      document.getElementById("leave").hidden = false;
    });
})();
