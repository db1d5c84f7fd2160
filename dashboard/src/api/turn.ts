import { client, data, writing } from './client.ts';
import type { KeptConfiguration } from './types.ts';

interface Where {
  project: string;
  environment: string;
  flag: string;
}

/** Turns a flag on or off. `version` is the one that was seen. */
export function turn(path: Where, on: boolean, version: number | undefined, comment?: string): Promise<KeptConfiguration> {
  const request = { params: { path }, ...writing(version, comment) };
  return data(
    on
      ? client.POST('/admin/projects/{project}/environments/{environment}/flags/{flag}/on', request)
      : client.POST('/admin/projects/{project}/environments/{environment}/flags/{flag}/off', request),
  );
}
