// Whose history is shown: what a flag does in an environment, what it is, or a segment.
import { client, data, writing } from '../api/client.ts';
import type { Listed, VersionShown } from '../api/types.ts';

export interface Source {
  /** Under which its versions are kept in the cache. */
  queryKey: readonly unknown[];
  list: (cursor: string, signal: AbortSignal) => Promise<{ items: Listed[]; next?: string | null }>;
  show: (version: number) => Promise<VersionShown>;
  /** Goes back to a version; `from` is the one that is now. */
  rollBack: (version: number, from: number, comment: string) => Promise<unknown>;
}

const PAGE = 30;
/** A history's cursor is the number of a change. */
const paged = (cursor: string) => ({ limit: PAGE, ...(cursor === '' ? {} : { cursor: Number(cursor) }) });

export function configurationHistory(project: string, environment: string, flag: string): Source {
  const path = { project, environment, flag };
  return {
    queryKey: ['project', project, 'flag', flag, 'in', environment, 'versions'],
    list: (cursor, signal) => data(client.GET('/admin/projects/{project}/environments/{environment}/flags/{flag}/versions', { params: { path, query: paged(cursor) }, signal })),
    show: (version) => data(client.GET('/admin/projects/{project}/environments/{environment}/flags/{flag}/versions/{version}', { params: { path: { ...path, version } } })),
    rollBack: (version, from, comment) =>
      data(client.POST('/admin/projects/{project}/environments/{environment}/flags/{flag}/versions/{version}/rollback', { params: { path: { ...path, version } }, ...writing(from, comment) })),
  };
}

export function flagHistory(project: string, flag: string): Source {
  const path = { project, flag };
  return {
    queryKey: ['project', project, 'flag', flag, 'versions'],
    list: (cursor, signal) => data(client.GET('/admin/projects/{project}/flags/{flag}/versions', { params: { path, query: paged(cursor) }, signal })),
    show: (version) => data(client.GET('/admin/projects/{project}/flags/{flag}/versions/{version}', { params: { path: { ...path, version } } })),
    rollBack: (version, from, comment) => data(client.POST('/admin/projects/{project}/flags/{flag}/versions/{version}/rollback', { params: { path: { ...path, version } }, ...writing(from, comment) })),
  };
}

export function segmentHistory(project: string, segment: string): Source {
  const path = { project, segment };
  return {
    queryKey: ['project', project, 'segment', segment, 'versions'],
    list: (cursor, signal) => data(client.GET('/admin/projects/{project}/segments/{segment}/versions', { params: { path, query: paged(cursor) }, signal })),
    show: (version) => data(client.GET('/admin/projects/{project}/segments/{segment}/versions/{version}', { params: { path: { ...path, version } } })),
    rollBack: (version, from, comment) => data(client.POST('/admin/projects/{project}/segments/{segment}/versions/{version}/rollback', { params: { path: { ...path, version } }, ...writing(from, comment) })),
  };
}

export function layerHistory(project: string, layer: string): Source {
  const path = { project, layer };
  return {
    queryKey: ['project', project, 'layers', layer, 'versions'],
    list: (cursor, signal) => data(client.GET('/admin/projects/{project}/layers/{layer}/versions', { params: { path, query: paged(cursor) }, signal })),
    show: (version) => data(client.GET('/admin/projects/{project}/layers/{layer}/versions/{version}', { params: { path: { ...path, version } } })),
    rollBack: (version, from, comment) => data(client.POST('/admin/projects/{project}/layers/{layer}/versions/{version}/rollback', { params: { path: { ...path, version } }, ...writing(from, comment) })),
  };
}

export function holdoutHistory(project: string, holdout: string): Source {
  const path = { project, holdout };
  return {
    queryKey: ['project', project, 'holdouts', holdout, 'versions'],
    list: (cursor, signal) => data(client.GET('/admin/projects/{project}/holdouts/{holdout}/versions', { params: { path, query: paged(cursor) }, signal })),
    show: (version) => data(client.GET('/admin/projects/{project}/holdouts/{holdout}/versions/{version}', { params: { path: { ...path, version } } })),
    rollBack: (version, from, comment) => data(client.POST('/admin/projects/{project}/holdouts/{holdout}/versions/{version}/rollback', { params: { path: { ...path, version } }, ...writing(from, comment) })),
  };
}
