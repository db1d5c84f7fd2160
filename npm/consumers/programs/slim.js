import { createClient } from 'pennon/slim';
import { show } from './page.js';

await show(createClient);
