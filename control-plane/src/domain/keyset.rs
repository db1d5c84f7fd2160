//! What the next keyset says: which online keys may sign from then on (core/spec/snapshot.md section 3).

use pennon_core::snapshot::{Keyset, Kind, OnlineKey};

/// The keyset after `current`, still with the same keys.
pub fn next(current: &Keyset, now_ms: i64) -> Keyset {
    Keyset { number: current.number + 1, created: now_ms, ..current.clone() }
}

/// What the keys of a keyset may sign, each scope once; the public keys are those of the first with it.
pub fn scopes(keyset: &Keyset) -> Vec<OnlineKey> {
    let mut scopes: Vec<OnlineKey> = Vec::new();
    for key in &keyset.keys {
        if !scopes.iter().any(|scope| scope.covers(key) && key.covers(scope)) {
            scopes.push(*key);
        }
    }
    scopes
}

/// Takes a key out. Answers its scope when no other key may sign all that it could, or `None` when it is not there.
pub fn without(keyset: &mut Keyset, id: [u8; 8]) -> Option<Option<OnlineKey>> {
    let at = keyset.keys.iter().position(|key| key.id() == id)?;
    let gone = keyset.keys.remove(at);
    let covered = keyset.keys.iter().any(|key| key.covers(&gone));
    Some((!covered).then_some(gone))
}

/// The first of these places whose heads none of `held` could sign under `keyset`.
pub fn unsigned(
    keyset: &Keyset,
    held: &[[u8; 32]],
    environments: &[[u8; 16]],
) -> Option<([u8; 16], Kind)> {
    let places =
        environments.iter().flat_map(|environment| Kind::ALL.map(|kind| (*environment, kind)));
    places.into_iter().find(|(environment, kind)| {
        !keyset
            .keys
            .iter()
            .any(|key| key.may_sign(*kind, *environment) && held.contains(&key.public_key))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: [u8; 16] = [0; 16];

    fn keyset(keys: &[OnlineKey]) -> Keyset {
        Keyset { number: 1, created: 5, threshold: 1, roots: vec![[9; 32]], keys: keys.to_vec() }
    }

    #[test]
    fn a_key_leaves_its_scope_behind_unless_another_covers_it() {
        let all = OnlineKey::for_environment([1; 32], EVERY);
        let client = OnlineKey::scoped([2; 32], &[Kind::Client], EVERY);
        let narrow = OnlineKey::scoped([3; 32], &[Kind::Client], [7; 16]);
        for (keys, gone, left) in [
            (vec![all], 1, Some(Some(all))),
            (vec![all, client], 2, Some(None)),
            (vec![all, client], 1, Some(Some(all))),
            (vec![client, narrow], 3, Some(None)),
            (vec![client, narrow], 2, Some(Some(client))),
            (vec![all], 8, None),
        ] {
            let mut keyset = keyset(&keys);
            assert_eq!(without(&mut keyset, [gone; 8]), left, "{keys:?} without {gone}");
            assert_eq!(keyset.keys.len(), keys.len() - usize::from(left.is_some()));
        }
    }

    #[test]
    fn each_scope_is_named_once() {
        let all = |number| OnlineKey::for_environment([number; 32], EVERY);
        let client = OnlineKey::scoped([3; 32], &[Kind::Client], EVERY);
        assert_eq!(scopes(&keyset(&[all(1), all(2), client])), [all(1), client]);
    }

    #[test]
    fn what_nobody_here_could_sign_is_found() {
        let client = OnlineKey::scoped([1; 32], &[Kind::Client, Kind::Edge], EVERY);
        let server = OnlineKey::scoped([2; 32], &[Kind::Server], [7; 16]);
        let keyset = keyset(&[client, server]);
        let (first, second) = ([1; 32], [2; 32]);
        assert_eq!(unsigned(&keyset, &[first, second], &[[7; 16]]), None);
        assert_eq!(unsigned(&keyset, &[first], &[[7; 16]]), Some(([7; 16], Kind::Server)));
        let two = [[7; 16], [8; 16]];
        assert_eq!(unsigned(&keyset, &[first, second], &two), Some(([8; 16], Kind::Server)));
        assert_eq!(next(&keyset, 9), Keyset { number: 2, created: 9, ..keyset.clone() });
    }
}
