//! The numbers of a sync's members, lanes and tables.
//!
//! The *members* of a sync are its databases, as one KID serves them: the masters in their order,
//! and then, unless it is a master, the KID's target. A *lane* leads from a member that is read,
//! the source, to one that is written, the receiver. Each *table* of the herd has a plan on each
//! lane. All three are numbered from 0, in the KID alone and anew whenever it opens the sync; the
//! first member is the source of the sync's herd.
//!
//! Each kind of number has a type, and each list says by which kind it is indexed ([`ById`],
//! [`ByMember`]), so that a lane cannot be taken for a table. That a number leads somewhere is a
//! matter of how the KID put the lists together: as with any slice, one that does not is a panic.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut, Index, IndexMut};

/// A number of one kind.
pub trait Id: Copy {
    /// The one at a place in a list.
    fn at(place: usize) -> Self;

    /// Its place in each list.
    fn place(self) -> usize;
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident,)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(usize);

        impl Id for $name {
            fn at(place: usize) -> $name {
                $name(place)
            }

            fn place(self) -> usize {
                self.0
            }
        }
    )*};
}

ids! {
    /// A database of the sync.
    MemberId,
    /// The way from one source to one receiver.
    LaneId,
    /// A table of the sync's herd.
    TableId,
}

impl LaneId {
    /// The first one.
    pub const FIRST: LaneId = LaneId(0);
}

impl MemberId {
    /// The source of the sync's herd.
    pub const FIRST: MemberId = MemberId(0);

    /// Whether it is the source of the sync's herd.
    pub fn is_first(self) -> bool {
        self == MemberId::FIRST
    }

    /// As statements have it.
    pub fn number(self) -> i32 {
        i32::try_from(self.0).unwrap_or_default()
    }
}

/// A list with something for each number of a kind.
#[derive(Debug, Clone)]
pub struct ById<I, T> {
    all: Vec<T>,
    kind: PhantomData<I>,
}

impl<I: Id, T> ById<I, T> {
    /// All numbers, ascending.
    pub fn ids(&self) -> impl Iterator<Item = I> + use<I, T> {
        (0..self.all.len()).map(I::at)
    }

    /// Each number with what it leads to.
    pub fn pairs(&self) -> impl Iterator<Item = (I, &T)> {
        self.ids().zip(&self.all)
    }

    /// The first number for which this holds.
    pub fn find(&self, holds: impl FnMut(&T) -> bool) -> Option<I> {
        self.all.iter().position(holds).map(I::at)
    }

    /// What a number leads to, if it does.
    pub fn get(&self, id: I) -> Option<&T> {
        self.all.get(id.place())
    }

    /// Adds one at the end.
    pub fn push(&mut self, one: T) {
        self.all.push(one);
    }

    /// Adds one where it was, or at the end.
    pub fn insert(&mut self, id: I, one: T) {
        self.all.insert(id.place().min(self.all.len()), one);
    }

    /// Without the numbers.
    pub fn into_vec(self) -> Vec<T> {
        self.all
    }
}

impl<I, T> Default for ById<I, T> {
    fn default() -> ById<I, T> {
        ById { all: Vec::new(), kind: PhantomData }
    }
}

impl<I, T> From<Vec<T>> for ById<I, T> {
    fn from(all: Vec<T>) -> ById<I, T> {
        ById { all, kind: PhantomData }
    }
}

impl<I, T> FromIterator<T> for ById<I, T> {
    fn from_iter<A: IntoIterator<Item = T>>(all: A) -> ById<I, T> {
        Vec::from_iter(all).into()
    }
}

impl<I: Id, T> Index<I> for ById<I, T> {
    type Output = T;

    fn index(&self, id: I) -> &T {
        &self.all[id.place()]
    }
}

impl<I: Id, T> IndexMut<I> for ById<I, T> {
    fn index_mut(&mut self, id: I) -> &mut T {
        &mut self.all[id.place()]
    }
}

impl<I, T> Deref for ById<I, T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.all
    }
}

impl<I, T> DerefMut for ById<I, T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.all
    }
}

/// Something for some of the members, such as a session on each source.
#[derive(Debug, Clone)]
pub struct ByMember<T>(BTreeMap<MemberId, T>);

impl<T> Default for ByMember<T> {
    fn default() -> ByMember<T> {
        ByMember(BTreeMap::new())
    }
}

impl<T> FromIterator<(MemberId, T)> for ByMember<T> {
    fn from_iter<A: IntoIterator<Item = (MemberId, T)>>(all: A) -> ByMember<T> {
        ByMember(BTreeMap::from_iter(all))
    }
}

impl<T> IntoIterator for ByMember<T> {
    type Item = (MemberId, T);
    type IntoIter = std::collections::btree_map::IntoIter<MemberId, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<T> Index<MemberId> for ByMember<T> {
    type Output = T;

    fn index(&self, member: MemberId) -> &T {
        &self.0[&member]
    }
}

impl<T> IndexMut<MemberId> for ByMember<T> {
    fn index_mut(&mut self, member: MemberId) -> &mut T {
        self.0.get_mut(&member).unwrap_or_else(|| panic!("member {} is missing", member.place()))
    }
}

impl<T> Deref for ByMember<T> {
    type Target = BTreeMap<MemberId, T>;

    fn deref(&self) -> &BTreeMap<MemberId, T> {
        &self.0
    }
}

impl<T> DerefMut for ByMember<T> {
    fn deref_mut(&mut self) -> &mut BTreeMap<MemberId, T> {
        &mut self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_indexed_by_its_own_kind_of_number() {
        let mut tables: ById<TableId, &str> = vec!["a", "c"].into();
        tables.insert(TableId::at(1), "b");
        tables.push("d");
        assert_eq!(tables.find(|name| *name == "b"), Some(TableId::at(1)));
        assert_eq!((tables[TableId::at(2)], tables.ids().count()), ("c", 4));
        assert_eq!(tables.pairs().map(|(id, name)| (id.place(), *name)).last(), Some((3, "d")));
    }

    #[test]
    fn only_some_members_have_a_session() {
        let mut targets: ByMember<i32> = [(MemberId::at(1), 10), (MemberId::at(2), 20)].into_iter().collect();
        targets[MemberId::at(2)] += 1;
        assert_eq!((targets[MemberId::at(1)], targets[MemberId::at(2)]), (10, 21));
        assert!(targets.get(&MemberId::FIRST).is_none() && MemberId::FIRST.is_first());
    }
}
