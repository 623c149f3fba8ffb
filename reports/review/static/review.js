// Keys: everything here can also be reached by links.
"use strict";
(() => {
  const help = document.getElementById("help");
  const jump = document.getElementById("jump");
  const pages = [...document.querySelectorAll("nav a[data-key]")];
  let going = 0;

  // A dialog that was just closed keeps the focus until the page is drawn again.
  const busy = (target) => target.closest("input, select, textarea, dialog[open], [data-keys]") !== null;
  const follow = (rel) => {
    const link = document.querySelector(`main a[rel=${rel}]`);
    if (link) link.click();
    return link !== null;
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || busy(event.target)) return;
    const key = event.key;
    const afterG = Date.now() - going < 1500;
    going = 0;
    const page = afterG ? pages.find((each) => each.dataset.key === key) : pages[Number(key) - 1];
    if (page) page.click();
    else if (key === "g") going = Date.now();
    else if (key === "?") help.showModal();
    else if (key === "/") jump.focus();
    else if (key === "j" || (key === "ArrowLeft" && !event.target.closest(".scroll"))) { if (!follow("prev")) return; }
    else if (key === "k" || (key === "ArrowRight" && !event.target.closest(".scroll"))) { if (!follow("next")) return; }
    else return;
    event.preventDefault();
  });

  for (const button of document.querySelectorAll("[data-help]")) {
    button.hidden = false;
    button.addEventListener("click", () => help.showModal());
  }
  const year = document.getElementById("year");
  if (year) year.addEventListener("change", () => year.form.submit());
})();
