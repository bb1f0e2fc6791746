
(() => {
  "use strict";
  const form = document.forms[0];
  form.elements.fragment.value = location.hash.slice(1);
  // First of all, remove the code from the address bar and the history.
  history.replaceState(null, "", location.pathname);
  form.submit();
})();
