(() => {
  const written = document.getElementById("written");
  const at = Number(written.dataset.at);
  const stale = Number(written.dataset.stale);
  const words = (seconds) =>
    seconds < 90 ? `${seconds} s` : seconds < 5400 ? `${Math.round(seconds / 60)} min`
    : seconds < 172800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86400)} days`;
  const look = () => {
    const age = Date.now() - at;
    document.getElementById("age").textContent = age >= 1000 ? `, ${words(Math.round(age / 1000))} ago` : "";
    const old = stale > 0 && Math.abs(age) > stale;
    document.documentElement.classList.toggle("old", old);
    document.getElementById("stale").hidden = !old;
  };
  look();
  setInterval(look, 1000);
})();
