import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { useState } from 'react';

import { useAccess, useMe } from '../../access.ts';
import { client, data, writing } from '../../api/client.ts';
import { environmentsQuery, membersQuery } from '../../api/queries.ts';
import { tooLate } from '../../api/taken.ts';
import type { Member, Role } from '../../api/types.ts';
import { Confirm } from '../../ui/Confirm.tsx';
import { Icon } from '../../ui/Icon.tsx';
import { Empty, Loaded } from '../../ui/Loaded.tsx';
import { More } from '../../ui/More.tsx';
import { useToasts } from '../../ui/toasts.tsx';
import { InviteDialog } from './InviteDialog.tsx';
import { MemberDialog } from './MemberDialog.tsx';
import { ROLES } from './roles.ts';

export function MembersPage() {
  const { project } = useParams({ from: '/inside/projects/$project' });
  const access = useAccess(project);
  const me = useMe();
  const queries = useQueryClient();
  const toasts = useToasts();
  const members = useInfiniteQuery(membersQuery(project));
  const environments = useQuery(environmentsQuery(project));
  const [editing, setEditing] = useState<Member | 'new' | null>(null);
  const [inviting, setInviting] = useState(false);
  const [removing, setRemoving] = useState<Member | null>(null);
  const remove = useMutation({
    mutationFn: (member: Member) => data(client.DELETE('/admin/projects/{project}/members/{user}', { params: { path: { project, user: member.user } }, ...writing(member.version) })),
    onSuccess: () => toasts.say('Removed'),
    onError: (error) => toasts.fail(tooLate(error)),
    onSettled: () => {
      setRemoving(null);
      void queries.invalidateQueries({ queryKey: ['project', project, 'members'] });
    },
  });
  const narrowed = (member: Member) => Object.entries(member.environments ?? {}) as [string, Role][];
  return (
    <>
      <div className="page-head">
        <div className="grow"><h1>Members</h1><p>Who may do what in this project.</p></div>
        {access.instance ? <button type="button" className="button" onClick={() => setInviting(true)}>Invite a person</button> : null}
        {access.admin ? <button type="button" className="button primary" onClick={() => setEditing('new')}><Icon name="plus" size={16} />Add member</button> : null}
      </div>
      <Loaded query={members} what="members">
        {({ pages }) => {
          const items = pages.flatMap((page) => page.items);
          return items.length === 0 ? (
            <Empty title="No member yet">Owners of the installation may do everything without being members.</Empty>
          ) : (
            <>
              <div className="card flush scroll-x">
                <table className="table">
                  <thead><tr><th scope="col">Person</th><th scope="col">Role</th><th scope="col"><span className="only-read">Actions</span></th></tr></thead>
                  <tbody>
                    {items.map((member) => (
                      <tr key={member.user}>
                        <td><span className="given">{member.name || member.email}</span>{member.user === me.user?.id ? <span className="tag accent">you</span> : null}<br /><span className="small soft given">{member.email}</span></td>
                        <td>
                          {ROLES[member.role].label}
                          {narrowed(member).map(([environment, role]) => <span key={environment} className="small soft"><br />{ROLES[role].label} in <bdi>{environment}</bdi></span>)}
                        </td>
                        <td>
                          {access.admin ? (
                            <span className="row-fixed">
                              <button type="button" className="button quiet" onClick={() => setEditing(member)}>Edit<span className="only-read"> {member.email}</span></button>
                              <button type="button" className="button quiet icon" aria-label={`Remove ${member.email}`} onClick={() => setRemoving(member)}><Icon name="trash" size={16} /></button>
                            </span>
                          ) : null}
                        </td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
              <More list={members} />
            </>
          );
        }}
      </Loaded>
      {editing ? <MemberDialog project={project} member={editing === 'new' ? null : editing} environments={environments.data ?? []} onClose={() => setEditing(null)} /> : null}
      {inviting ? <InviteDialog onClose={() => setInviting(false)} /> : null}
      {removing ? <Confirm title={`Remove ${removing.email}?`} action="Remove" busy={remove.isPending} onClose={() => setRemoving(null)} onConfirm={() => remove.mutate(removing)}>They no longer see the project, and their tokens for it stop working.</Confirm> : null}
    </>
  );
}
