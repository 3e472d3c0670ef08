/**
 * Updates the page from the server's events. Without the script, the page shows the state at the time of loading. While text is
 * selected nothing is replaced, so that a command can be copied.
 */
export const SCRIPT = `
(() => {
  const main = document.querySelector('main');
  const note = document.getElementById('live');
  let next, timer, failing = false;
  const say = (text, state) => {
    if (note.textContent !== text) note.textContent = text;
    note.className = state;
  };
  const lost = () => say('Not live: state at ' + document.getElementById('as-of').textContent, 'lost');
  const after = (ms) => {
    clearTimeout(timer);
    timer = setTimeout(lost, ms);
  };
  const show = () => {
    if (next === undefined) return;
    if (!getSelection().isCollapsed) return say('Paused while text is selected', 'paused');
    main.innerHTML = next;
    next = undefined;
    document.title = main.querySelector('[data-title]').dataset.title;
    if (!failing) say('Live', 'live');
  };
  const open = () => {
    const source = new EventSource('events');
    source.onmessage = ({ data }) => {
      failing = false;
      next = data;
      show();
      after(75000);
    };
    source.onerror = () => {
      if (!failing) after(5000);
      failing = true;
      if (source.readyState === EventSource.CLOSED) setTimeout(open, 10000);
    };
  };
  document.addEventListener('selectionchange', show);
  open();
})();
`;
