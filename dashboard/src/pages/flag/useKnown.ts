import { useQuery } from '@tanstack/react-query';

import { attributesQuery, segmentsQuery } from '../../api/queries.ts';
import type { Known } from './condition/LeafEditor.tsx';

/** What the project has declared, and the editors offer. */
export function useKnown(project: string): Known {
  const attributes = useQuery(attributesQuery(project));
  const segments = useQuery(segmentsQuery(project));
  return {
    project,
    attributes: Object.fromEntries((attributes.data?.items ?? []).map(({ key, definition }) => [key, definition.type])),
    segments: Object.fromEntries((segments.data?.items ?? []).map(({ key, definition }) => [key, definition])),
  };
}
