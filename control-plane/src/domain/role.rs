//! Roles: what a person or a token is in a project, and in each of its environments.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// From the least to the most; each may do what those before it may.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Sees everything of the project.
    Viewer,
    /// Changes environments that are not protected.
    Editor,
    /// Changes protected ones too.
    Publisher,
    /// Manages environments, members, tokens.
    Admin,
    /// Deletes the project, and makes other owners.
    Owner,
}

impl Role {
    /// All of them, from the least to the most.
    pub const ALL: [Self; 5] =
        [Self::Viewer, Self::Editor, Self::Publisher, Self::Admin, Self::Owner];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Editor => "editor",
            Self::Publisher => "publisher",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }

    /// The role that is written so.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }
}

/// A role in one project, and the environments where it is narrowed to a lower one. Nobody sees less than a viewer does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub role: Role,
    /// By environment id.
    pub environments: BTreeMap<String, Role>,
}

impl Grant {
    /// The role everywhere in the project.
    pub fn everywhere(role: Role) -> Self {
        Self { role, environments: BTreeMap::new() }
    }

    /// The role in one environment; a narrowing never widens.
    pub fn in_environment(&self, id: &str) -> Role {
        self.environments.get(id).map_or(self.role, |narrowed| self.role.min(*narrowed))
    }

    /// Whether `self` is nowhere more than `other`.
    pub fn within(&self, other: &Self) -> bool {
        let named = self.environments.keys().chain(other.environments.keys());
        self.role <= other.role
            && named.into_iter().all(|id| self.in_environment(id) <= other.in_environment(id))
    }

    /// What both have everywhere.
    pub fn common(&self, other: &Self) -> Self {
        let named = self.environments.keys().chain(other.environments.keys());
        let environments =
            named.map(|id| (id.clone(), self.in_environment(id).min(other.in_environment(id))));
        Self { role: self.role.min(other.role), environments: environments.collect() }
    }
}

/// Everything that somebody may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rights {
    /// Owner of the instance, and so of every project.
    Instance,
    /// Grants by project id; none in any other project.
    Projects(BTreeMap<String, Grant>),
}

impl Rights {
    /// What they are in a project; `None` when it is none of theirs.
    pub fn grant(&self, project_id: &str) -> Option<Grant> {
        match self {
            Self::Instance => Some(Grant::everywhere(Role::Owner)),
            Self::Projects(grants) => grants.get(project_id).cloned(),
        }
    }

    /// Whether they may change what an environment serves.
    pub fn may_change(&self, project_id: &str, environment_id: &str, protected: bool) -> bool {
        self.grant(project_id)
            .is_some_and(|grant| grant.in_environment(environment_id) >= to_change(protected))
    }
}

/// The least role that changes what an environment serves.
pub fn to_change(protected: bool) -> Role {
    if protected { Role::Publisher } else { Role::Editor }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(role: Role, narrowed: &[(&str, Role)]) -> Grant {
        let environments = narrowed.iter().map(|(id, role)| ((*id).to_owned(), *role)).collect();
        Grant { role, environments }
    }

    #[test]
    fn written_as_read() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.as_str()), Some(role));
            assert_eq!(serde_json::json!(role), role.as_str());
        }
        assert_eq!(Role::parse("Owner"), None);
    }

    #[test]
    fn a_narrowing_never_widens() {
        let grant = grant(Role::Editor, &[("p", Role::Viewer), ("q", Role::Owner)]);
        assert_eq!(grant.in_environment("p"), Role::Viewer);
        assert_eq!(grant.in_environment("q"), Role::Editor);
        assert_eq!(grant.in_environment("else"), Role::Editor);
    }

    #[test]
    fn within_and_common() {
        use Role::{Admin, Editor, Owner, Viewer};
        let whole = grant(Admin, &[]);
        let narrowed = grant(Admin, &[("p", Viewer)]);
        assert!(narrowed.within(&whole) && whole.within(&whole));
        assert!(!whole.within(&narrowed), "it would reach further in p");
        assert!(!grant(Owner, &[]).within(&whole));
        assert!(grant(Editor, &[("p", Viewer)]).within(&narrowed));
        assert!(!grant(Editor, &[]).within(&narrowed));
        // Every pair of a small world: the common part is within both.
        let grants: Vec<Grant> = Role::ALL
            .into_iter()
            .flat_map(|role| Role::ALL.into_iter().map(move |in_p| grant(role, &[("p", in_p)])))
            .collect();
        assert_eq!(grants.len(), 25);
        for one in &grants {
            for other in &grants {
                let common = one.common(other);
                assert!(common.within(one) && common.within(other), "{one:?} {other:?}");
                assert_eq!(one.within(other), one.common(other).within(one) && one.within(&common));
            }
        }
    }
}
