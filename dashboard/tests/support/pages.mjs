// The dashboard's pages. `hostile` is the same page where its texts are hostile, when it has another address there.
export const PAGES = [
  { name: 'sign-in', path: '/sign-in', as: '' },
  { name: 'flags', path: '/projects/default/flags' },
  { name: 'flags-none-found', path: '/projects/default/flags?search=nothing-has-this-name' },
  {
    name: 'new-flag',
    path: '/projects/default/flags?create=true',
    prepare: ({ page }) => page.getByRole('dialog').waitFor(),
  },
];
