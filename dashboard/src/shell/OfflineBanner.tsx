import { onlineManager } from '@tanstack/react-query';
import { useSyncExternalStore } from 'react';

/** Says that what is shown may be old. Flags go on being served: that is what snapshots are for. */
export function OfflineBanner() {
  const online = useSyncExternalStore((changed) => onlineManager.subscribe(changed), () => onlineManager.isOnline());
  return (
    <div role="status">
      {online ? null : <p className="notice warn shell-offline">You are offline. What you see may be old, and nothing can be saved; your applications go on evaluating.</p>}
    </div>
  );
}
