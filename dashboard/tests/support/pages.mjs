// The dashboard's pages. `hostile` is the same page where its texts are hostile, when it has another address there; `prepare` does what has to
// be done before it is looked at.
import { HOSTILE_FLAG } from './hostile.mjs';

const project = '/projects/default';
const flag = `${project}/flags/quick-search?env=development`;
const hostile = `${project}/flags/${HOSTILE_FLAG}?env=development`;

/** Waits for the dialog that the address, or a button, opens. */
const dialog = (button) => async ({ page }) => {
  if (button) await page.getByRole('button', { name: button }).first().click();
  await page.getByRole('dialog').waitFor();
};

export const PAGES = [
  { name: 'sign-in', path: '/sign-in', as: '' },
  { name: 'flags', path: `${project}/flags` },
  { name: 'flags-none-found', path: `${project}/flags?search=nothing-has-this-name` },
  { name: 'new-flag', path: `${project}/flags?create=true`, prepare: dialog() },
  { name: 'flag', path: flag, hostile },
  {
    name: 'flag-rule',
    path: flag,
    hostile,
    prepare: async ({ page }) => {
      await page.getByRole('button', { name: /^Edit/ }).first().click();
      await page.getByLabel('In words').waitFor();
    },
  },
  { name: 'flag-details', path: `${flag}&tab=details`, hostile: `${hostile}&tab=details` },
  { name: 'flag-history', path: `${flag}&tab=history`, hostile: `${hostile}&tab=history` },
  { name: 'preview', path: `${project}/preview` },
  {
    name: 'preview-why',
    path: `${project}/preview`,
    prepare: async ({ page }) => {
      await page.getByRole('button', { name: /^Why in/ }).first().click();
      await page.getByRole('list', { name: 'How it was decided' }).first().waitFor();
    },
  },
  { name: 'start', path: `${project}/start` },
  { name: 'new-project', path: '/new-project' },
  { name: 'segments', path: `${project}/segments` },
  { name: 'segment', path: `${project}/segments/testers`, hostile: `${project}/segments/hostile` },
  { name: 'layers', path: `${project}/layers` },
  {
    name: 'layers-slot',
    path: `${project}/layers`,
    prepare: async ({ page }) => {
      await page.getByRole('button', { name: /^Change the slot/ }).first().click();
      await page.getByRole('dialog').getByLabel('Slot from').waitFor();
    },
  },
  { name: 'attributes', path: `${project}/attributes` },
  { name: 'environments', path: `${project}/environments` },
  { name: 'compare', path: `${project}/compare?from=development&to=production` },
  { name: 'keys', path: `${project}/keys` },
  { name: 'delivery', path: `${project}/delivery` },
  { name: 'audit', path: `${project}/audit` },
  { name: 'past', path: `${project}/past` },
  { name: 'members', path: `${project}/members` },
  { name: 'tokens', path: `${project}/tokens` },
  { name: 'webhooks', path: `${project}/webhooks` },
  { name: 'account', path: `${project}/account` },
  { name: 'invitation', path: '/invitation', as: '' },
  { name: 'no-such-flag', path: `${project}/flags/no-such-flag` },
];
