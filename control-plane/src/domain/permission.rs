//! The one place that decides: permission x role x environment protected or not.

use super::role::{Rights, Role, to_change};

/// What a request needs. Which one it is stands beside each route in `routes/access.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Anybody, without credentials.
    Public,
    /// Anybody with good credentials; the answer shows what is theirs alone.
    Account,
    /// To see the project: a viewer.
    Read,
    /// To change what the environments share (flags, segments, attributes, ...): an editor. What it then alters in each
    /// environment is checked when the change commits, as for [`Permission::Change`]: see `store/change.rs`.
    Define,
    /// To change the environment of the path: an editor, or, when it is protected, a publisher.
    Change,
    /// To manage environments, members, tokens and webhooks: an admin, also in the environment of the path, if it names one: whoever is
    /// less there would otherwise take its protection away and be more.
    Manage,
    /// To delete the project: an owner.
    Own,
    /// To create projects and users: an owner of the instance.
    Instance,
}

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The project is none of the caller's: to them it does not exist.
    Hidden,
    /// It takes at least this role.
    Role(Role),
    /// It takes an owner of the instance.
    Instance,
}

/// What a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target<'a> {
    pub project_id: &'a str,
    /// Id, and whether it is protected.
    pub environment: Option<(&'a str, bool)>,
}

/// Whether somebody with these rights may do it.
///
/// # Errors
/// Why not.
pub fn decide(
    permission: Permission,
    rights: &Rights,
    target: Option<Target<'_>>,
) -> Result<(), Refusal> {
    let protected =
        target.and_then(|target| target.environment).is_none_or(|(_, protected)| protected);
    let least = match permission {
        Permission::Public | Permission::Account => return Ok(()),
        Permission::Instance => {
            return if *rights == Rights::Instance { Ok(()) } else { Err(Refusal::Instance) };
        }
        Permission::Read => Role::Viewer,
        Permission::Define => Role::Editor,
        Permission::Change => to_change(protected),
        Permission::Manage => Role::Admin,
        Permission::Own => Role::Owner,
    };
    // A route that names no project has nothing to have a role in.
    let target = target.ok_or(Refusal::Hidden)?;
    let grant = rights.grant(target.project_id).ok_or(Refusal::Hidden)?;
    let role = match (permission, target.environment) {
        (Permission::Change | Permission::Manage, Some((id, _))) => grant.in_environment(id),
        _ => grant.role,
    };
    if role >= least { Ok(()) } else { Err(Refusal::Role(least)) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::role::Grant;
    use super::*;

    const PROJECT: &str = "1";

    fn member(grant: Grant) -> Rights {
        Rights::Projects(BTreeMap::from([(PROJECT.to_owned(), grant)]))
    }

    #[test]
    fn each_permission_by_each_role() {
        // Permission; least role on the project, in an open environment, in a protected one.
        let table = [
            (Permission::Read, [0, 0, 0]),
            (Permission::Define, [1, 1, 1]),
            (Permission::Change, [2, 1, 2]),
            (Permission::Manage, [3, 3, 3]),
            (Permission::Own, [4, 4, 4]),
        ];
        for (permission, least) in table {
            let targets = [None, Some(("e", false)), Some(("e", true))];
            for (environment, least) in targets.into_iter().zip(least) {
                let target = Some(Target { project_id: PROJECT, environment });
                for (position, role) in Role::ALL.into_iter().enumerate() {
                    let rights = member(Grant::everywhere(role));
                    let expected = if position >= least {
                        Ok(())
                    } else {
                        Err(Refusal::Role(Role::ALL[least]))
                    };
                    assert_eq!(
                        decide(permission, &rights, target),
                        expected,
                        "{permission:?} {role:?}"
                    );
                }
                let nobody = Rights::Projects(BTreeMap::new());
                assert_eq!(decide(permission, &nobody, target), Err(Refusal::Hidden));
                assert_eq!(decide(permission, &Rights::Instance, target), Ok(()));
            }
            assert_eq!(decide(permission, &Rights::Instance, None), Err(Refusal::Hidden));
        }
        let owner = member(Grant::everywhere(Role::Owner));
        assert_eq!(decide(Permission::Instance, &owner, None), Err(Refusal::Instance));
        assert_eq!(decide(Permission::Instance, &Rights::Instance, None), Ok(()));
        assert_eq!(decide(Permission::Account, &owner, None), Ok(()));
    }

    #[test]
    fn a_narrowed_role_counts_where_it_is_narrowed() {
        let narrowed = BTreeMap::from([("production".to_owned(), Role::Viewer)]);
        let rights = member(Grant { role: Role::Admin, environments: narrowed });
        let may = |permission, environment| {
            decide(permission, &rights, Some(Target { project_id: PROJECT, environment }))
        };
        let change = |environment| may(Permission::Change, environment);
        let manage = |environment| may(Permission::Manage, environment);
        for (environment, expected) in [
            (None, Ok(())),
            (Some(("staging", true)), Ok(())),
            (Some(("production", true)), Err(Refusal::Role(Role::Admin))),
        ] {
            assert_eq!(manage(environment), expected);
            assert_eq!(may(Permission::Read, environment), Ok(()));
        }
        assert_eq!(change(Some(("staging", true))), Ok(()));
        assert_eq!(change(Some(("production", true))), Err(Refusal::Role(Role::Publisher)));
        assert_eq!(change(Some(("production", false))), Err(Refusal::Role(Role::Editor)));
    }
}
