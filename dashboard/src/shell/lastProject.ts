// The project that was open last, kept in this browser.
const KEPT = 'pennon.project';

export const lastProject = (): string | null => localStorage.getItem(KEPT);
export const rememberProject = (key: string): void => localStorage.setItem(KEPT, key);
