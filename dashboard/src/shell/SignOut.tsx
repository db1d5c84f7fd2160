import { useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';

import { client, data } from '../api/client.ts';
import { keeper } from '../api/keeper.ts';
import { Icon } from '../ui/Icon.tsx';
import { useToasts } from '../ui/toasts.tsx';

export function SignOut() {
  const navigate = useNavigate();
  const toasts = useToasts();
  const leave = useMutation({
    mutationFn: () => data(client.POST('/auth/sign-out')),
    onSuccess: async () => {
      await navigate({ to: '/sign-in' });
      keeper.clear();
    },
    onError: toasts.fail,
  });
  return (
    <button type="button" className="button quiet" onClick={() => leave.mutate()}><Icon name="out" size={16} />Sign out</button>
  );
}
