import type { Operation } from '../../flag/operations.ts';
import { shell } from '../keys/snippets.ts';

interface Path {
  project: string;
  environment: string;
  flag: string;
}

/** What saving sends, as a line for a shell; the token is the reader's own. */
export function saveByCurl(origin: string, { project, environment, flag }: Path, operations: Operation[], comment: string): string {
  const [one, two, three] = [project, environment, flag].map(encodeURIComponent);
  const body = { operations, ...(comment.trim() ? { comment: comment.trim() } : {}) };
  return [
    'curl -X POST -H "Authorization: Bearer $PENNON_TOKEN" -H "Content-Type: application/json" \\',
    `  -d ${shell(JSON.stringify(body))} \\`,
    `  ${shell(`${origin}/admin/projects/${one}/environments/${two}/flags/${three}/operations`)}`,
  ].join('\n');
}
