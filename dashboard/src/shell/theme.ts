// Light, dark, or as the system has it: kept in this browser.
export type Theme = 'system' | 'light' | 'dark';

const KEPT = 'pennon.theme';

export function theme(): Theme {
  const kept = localStorage.getItem(KEPT);
  return kept === 'light' || kept === 'dark' ? kept : 'system';
}

export function showTheme(): void {
  document.documentElement.dataset['theme'] = theme();
}

export function chooseTheme(chosen: Theme): void {
  localStorage.setItem(KEPT, chosen);
  showTheme();
}
