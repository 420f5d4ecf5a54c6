'use strict';

// The theme: the system's, until the button is pressed.
{
  const root = document.documentElement;
  const button = document.getElementById('theme');
  const system = matchMedia('(prefers-color-scheme: dark)');
  const isDark = () => (root.dataset.theme ? root.dataset.theme === 'dark' : system.matches);
  const show = () => { button.textContent = isDark() ? 'light theme' : 'dark theme'; };
  button.addEventListener('click', () => {
    root.dataset.theme = isDark() ? 'light' : 'dark';
    show();
  });
  system.addEventListener('change', show);
  show();
  button.hidden = false;
}

// The table of figures: its heads become buttons that sort. What is unknown
// comes last, whichever way.
for (const table of document.querySelectorAll('table.figures:not(.plain)')) {
  const heads = [...table.tHead.rows[0].cells];
  const body = table.tBodies[0];
  const given = [...body.rows];
  heads.forEach((head, column) => {
    const kind = head.dataset.sort;
    const key = (row) => {
      const cell = row.cells[column];
      if (kind === 'text') return cell.textContent;
      return cell.dataset.value === undefined ? null : Number(cell.dataset.value);
    };
    const button = document.createElement('button');
    button.type = 'button';
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener('click', () => {
      const first = kind === 'most' ? 'descending' : 'ascending';
      const second = kind === 'most' ? 'ascending' : 'descending';
      const order = head.getAttribute('aria-sort') === first ? second : first;
      const sign = order === 'ascending' ? 1 : -1;
      const rows = given.map((row) => [key(row), row]);
      rows.sort(([a], [b]) => {
        if (a === null || b === null) return (a === null) - (b === null);
        return sign * (kind === 'text' ? a.localeCompare(b) : a - b);
      });
      heads.forEach((other) => other.removeAttribute('aria-sort'));
      head.setAttribute('aria-sort', order);
      body.append(...rows.map(([, row]) => row));
    });
  });
}
