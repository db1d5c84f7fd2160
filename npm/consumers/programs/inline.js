import { createClient } from 'pennon/inline';
import { show } from './page.js';

await show(createClient);
