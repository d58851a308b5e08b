// Runs before the page is drawn: takes the colours of the system unless the user has chosen some.
"use strict";
{
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const follow = () => { root.dataset.bsTheme = dark.matches ? "dark" : "light"; };
  if (!("themeChosen" in root.dataset)) {
    follow();
    dark.addEventListener("change", follow);
  }
}
