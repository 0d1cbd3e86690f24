"use strict";
// Point at a token, choose a head: where the token looks is shown over the sentence, in the picture, and as a list.
{
  const data = JSON.parse(document.getElementById("attention-data").textContent);
  const probs = Uint8Array.from(atob(data.probs), (character) => character.charCodeAt(0));
  const heads = [...document.querySelectorAll("input[name=head]")];
  const tokens = [...document.querySelectorAll("input[name=token]")];
  const looked = [...document.querySelectorAll(".look")];
  const matrix = document.querySelector(".matrix");
  const N_LISTED = 6;

  const chosen = (inputs) => inputs.findIndex((input) => input.checked);
  const nameOf = (element) => element.textContent.trim();
  const placeOf = (head) => `layer ${Math.floor(head / data.n_heads)}, head ${head % data.n_heads}`;

  // Where token i looks: the probabilities of all columns.
  function row(head, i) {
    const start = (head * data.n_rows + i) * data.n_columns;
    return [...probs.subarray(start, start + data.n_columns)].map((byte) => byte / 255);
  }

  function show(head, i) {
    const shares = row(head, i);
    looked.forEach((element, j) => {
      element.style.setProperty("--share", Math.sqrt(shares[j]));
      element.classList.toggle("looks", i === j);
    });
    matrix.style.setProperty("--row", i / data.n_rows);
    matrix.style.setProperty("--height", 1 / data.n_rows);
    const ranked = shares.map((share, j) => [share, j]).sort((a, b) => b[0] - a[0]).slice(0, N_LISTED);
    const said = `In ${placeOf(head)}, “${nameOf(looked[i])}” looks at`;
    document.getElementById("looking").textContent = `${said}:`;
    document.getElementById("looks").replaceChildren(...ranked.map(([share, j]) => {
      const item = document.createElement("li");
      const name = document.createElement("bdi");
      const number = document.createElement("span");
      const bar = document.createElement("span");
      name.textContent = nameOf(looked[j]);
      number.textContent = share.toFixed(2);
      bar.className = "bar for";
      bar.style.setProperty("--share", share);
      item.append(name, number, bar);
      return item;
    }));
    return `${said} ${ranked.slice(0, 3).map(([share, j]) => `${nameOf(looked[j])}, ${share.toFixed(2)}`).join("; ")}`;
  }

  // What was chosen stays; a screen reader hears it.
  function choose() {
    const head = chosen(heads);
    const image = heads[head].nextElementSibling.style.getPropertyValue("--image");
    matrix.style.setProperty("--image", image);
    document.getElementById("said").textContent = show(head, chosen(tokens));
  }

  for (const input of [...heads, ...tokens]) input.addEventListener("change", choose);
  // A pointer over a token shows it for as long as it is there.
  tokens.forEach((input, i) => {
    input.parentElement.addEventListener("pointerenter", () => show(chosen(heads), i));
    input.parentElement.addEventListener("pointerleave", () => show(chosen(heads), chosen(tokens)));
  });
  // Arrows go to the left and right by themselves; up and down are the layers.
  heads.forEach((input, head) => {
    input.addEventListener("keydown", (event) => {
      const step = { ArrowUp: -data.n_heads, ArrowDown: data.n_heads }[event.key];
      if (step === undefined) return;
      event.preventDefault();
      const next = heads[head + step];
      if (next === undefined) return;
      next.checked = true;
      next.focus();
      choose();
    });
  });
  choose();

  // The keyboard stops at what can be scrolled, and passes what is shown whole.
  const observer = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      const fits = target.scrollWidth <= target.clientWidth && target.scrollHeight <= target.clientHeight;
      if (fits) target.removeAttribute("tabindex");
      else target.tabIndex = 0;
    }
  });
  for (const element of document.querySelectorAll(".scroll[tabindex]")) observer.observe(element);
}
