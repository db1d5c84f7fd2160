import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useParams } from '@tanstack/react-router';
import { useState } from 'react';

import { useAccess } from '../../access.ts';
import { client, data, writing } from '../../api/client.ts';
import { sentence } from '../../api/problem.ts';
import { attributesQuery } from '../../api/queries.ts';
import { tooLate } from '../../api/taken.ts';
import type { Attribute, AttributeType, KeptAttribute } from '../../api/types.ts';
import { Confirm } from '../../ui/Confirm.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { Field } from '../../ui/Field.tsx';
import { Icon } from '../../ui/Icon.tsx';
import { Empty, Loaded } from '../../ui/Loaded.tsx';
import { useToasts } from '../../ui/toasts.tsx';

const TYPES: [AttributeType, string][] = [
  ['string', 'Text'], ['number', 'Number'], ['boolean', 'True or false'], ['semver', 'Version, such as 2.1.0'], ['datetime', 'Date and time'], ['ip', 'IP address'], ['list', 'List'], ['object', 'Object'],
];

export function AttributesPage() {
  const { project } = useParams({ from: '/inside/projects/$project' });
  const access = useAccess(project);
  const queries = useQueryClient();
  const toasts = useToasts();
  const attributes = useQuery(attributesQuery(project));
  const [editing, setEditing] = useState<KeptAttribute | 'new' | null>(null);
  const [removing, setRemoving] = useState<KeptAttribute | null>(null);
  const remove = useMutation({
    mutationFn: (attribute: KeptAttribute) => data(client.DELETE('/admin/projects/{project}/attributes/{attribute}', { params: { path: { project, attribute: attribute.key } }, ...writing(attribute.version) })),
    onSuccess: () => toasts.say('Taken back'),
    onError: (error) => toasts.fail(tooLate(error)),
    onSettled: () => {
      setRemoving(null);
      void queries.invalidateQueries({ queryKey: ['project', project] });
    },
  });
  const add = access.edit ? <button type="button" className="button primary" onClick={() => setEditing('new')}><Icon name="plus" size={16} />Declare an attribute</button> : null;
  return (
    <>
      <div className="page-head"><div className="grow"><h1>Attributes</h1><p>What your programs say about their users. Rules may use undeclared ones too; a declared one is offered, checked, and can be private.</p></div>{add}</div>
      <Loaded query={attributes} what="attributes">
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="None declared" action={add}>Nothing has to be declared first. Declare what you use often: its type then guides every rule.</Empty>
          ) : (
            <div className="card flush scroll-x">
              <table className="table">
                <thead><tr><th scope="col">Name</th><th scope="col">Type</th><th scope="col">Description</th><th scope="col"><span className="only-read">Actions</span></th></tr></thead>
                <tbody>
                  {items.map((attribute) => (
                    <tr key={attribute.key}>
                      <td><code className="given">{attribute.key}</code> {attribute.definition.private ? <span className="tag warn" title="Never in a snapshot for clients">private</span> : null}</td>
                      <td>{TYPES.find(([type]) => type === attribute.definition.type)?.[1]}</td>
                      <td className="given soft">{attribute.definition.description}</td>
                      <td>
                        {access.edit ? (
                          <span className="row-fixed">
                            <button type="button" className="button quiet" onClick={() => setEditing(attribute)}>Edit<span className="only-read"> {attribute.key}</span></button>
                            <button type="button" className="button quiet icon" aria-label={`Take ${attribute.key} back`} onClick={() => setRemoving(attribute)}><Icon name="trash" size={16} /></button>
                          </span>
                        ) : null}
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )
        }
      </Loaded>
      {editing ? <Declare project={project} kept={editing === 'new' ? null : editing} taken={(attributes.data?.items ?? []).map(({ key }) => key)} onClose={() => setEditing(null)} /> : null}
      {removing ? <Confirm title={`Take ${removing.key} back?`} action="Take back" busy={remove.isPending} onClose={() => setRemoving(null)} onConfirm={() => remove.mutate(removing)}>Rules that use it go on as they are; it is no longer offered or checked.</Confirm> : null}
    </>
  );
}

function Declare({ project, kept, taken, onClose }: { project: string; kept: KeptAttribute | null; taken: string[]; onClose: () => void }) {
  const queries = useQueryClient();
  const [name, setName] = useState(kept?.key ?? '');
  const [typed, setTyped] = useState<Attribute>(kept?.definition ?? { type: 'string' });
  // A declaration is written as a whole: one that is there must not be written over.
  const there = kept === null && taken.includes(name.trim());
  const save = useMutation({
    mutationFn: () => {
      const request = { params: { path: { project, attribute: name.trim() } }, body: typed, ...writing(kept?.version) };
      return data(client.PUT('/admin/projects/{project}/attributes/{attribute}', request));
    },
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ['project', project] });
      onClose();
    },
  });
  return (
    <Dialog
      title={kept ? kept.key : 'Declare an attribute'} onClose={onClose} onSubmit={() => name.trim() && !there && save.mutate()}
      action={kept ? 'Save' : 'Declare'} disabled={!name.trim() || there || save.isPending}
    >
      {kept ? null : <Field label="Name" hint="As programs send it, such as country or plan." error={there ? 'It is declared already.' : undefined}>{(wired) => <input {...wired} className="input" data-autofocus maxLength={256} value={name} onChange={(event) => setName(event.target.value)} />}</Field>}
      <Field label="Type">
        {(wired) => <select {...wired} className="input" value={typed.type} onChange={(event) => setTyped({ ...typed, type: event.target.value as AttributeType })}>{TYPES.map(([type, label]) => <option key={type} value={type}>{label}</option>)}</select>}
      </Field>
      <Field label="Description">{(wired) => <input {...wired} className="input" value={typed.description ?? ''} onChange={(event) => setTyped({ ...typed, description: event.target.value })} />}</Field>
      <label className="check">
        <input type="checkbox" checked={typed.private ?? false} onChange={(event) => setTyped({ ...typed, private: event.target.checked })} />
        <span>Private<br /><span className="small soft">A flag that browsers see may not use it.</span></span>
      </label>
      {save.isError ? <p className="notice bad given" role="alert">{sentence(save.error)}</p> : null}
    </Dialog>
  );
}
