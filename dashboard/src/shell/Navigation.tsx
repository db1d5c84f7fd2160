import { Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';

import { useMe } from '../access.ts';
import type { Project } from '../api/types.ts';
import { Icon } from '../ui/Icon.tsx';
import { PALETTE_EVENT } from './Keyboard.tsx';
import { GROUPS } from './pages.ts';
import { SignOut } from './SignOut.tsx';
import { chooseTheme, type Theme, theme } from './theme.ts';

interface Props {
  project: string;
  projects: Project[];
}

export function Navigation({ project, projects }: Props) {
  const me = useMe();
  const navigate = useNavigate();
  return (
    <nav className="nav" aria-label="Project">
      <div className="nav-head">
        <img src={new URL('../pennon.svg', import.meta.url).href} alt="" width="24" height="24" />
        <select
          className="input grow" aria-label="Project" value={project}
          onChange={({ target: { value } }) => void (value ? navigate({ to: '/projects/$project/flags', params: { project: value } }) : navigate({ to: '/new-project' }))}
        >
          {projects.some((one) => one.key === project) ? null : <option value={project}>{project}</option>}
          {projects.map((one) => <option key={one.key} value={one.key}>{one.name}</option>)}
          {me.instanceOwner ? <option value="">New project…</option> : null}
        </select>
      </div>
      <button type="button" className="nav-find" onClick={() => dispatchEvent(new Event(PALETTE_EVENT))}>
        <Icon name="search" size={16} /><span className="grow">Find…</span><kbd>Ctrl K</kbd>
      </button>
      {GROUPS.map((group) => (
        <section key={group.title} aria-label={group.title}>
          <h2 className="nav-title">{group.title}</h2>
          <ul>
            {group.pages.map((page) => (
              <li key={page.to}>
                <Link to={page.to} params={{ project }} className="nav-link" activeProps={{ className: 'nav-link active' }}>
                  <Icon name={page.icon} />{page.label}
                </Link>
              </li>
            ))}
          </ul>
        </section>
      ))}
      <div className="nav-foot">
        <Link to="/projects/$project/account" params={{ project }} className="cut small nav-me" title={me.user?.email}>{me.user?.name || me.user?.email || me.token}</Link>
        <div className="row">
          <ThemeChoice />
          <SignOut />
        </div>
      </div>
    </nav>
  );
}

function ThemeChoice() {
  const [chosen, setChosen] = useState<Theme>(theme);
  return (
    <select
      className="input small" aria-label="Theme" value={chosen}
      onChange={(event) => {
        chooseTheme(event.target.value as Theme);
        setChosen(event.target.value as Theme);
      }}
    >
      <option value="system">System</option>
      <option value="light">Light</option>
      <option value="dark">Dark</option>
    </select>
  );
}
