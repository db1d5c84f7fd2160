import { createClient } from 'pennon';
import { show } from './page.js';

await show(createClient);
