//! The third and all further weighted classes of the candidates that have more than two.

/// For each candidate a list of any length: the lists stand one after another in one vector.
pub(crate) struct Further<T> {
    items: Vec<T>,
    /// Where each candidate's list ends in `items`; empty if no candidate has a list. Not 32 bits wide: M candidates
    /// of K classes have M (K - 2) items, which may be more than 32 bits count.
    ends: Vec<usize>,
}

impl<T> Default for Further<T> {
    fn default() -> Self {
        Further { items: Vec::new(), ends: Vec::new() }
    }
}

impl<T> Further<T> {
    /// Whether no candidate has a list.
    pub(crate) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// A candidate's list.
    #[inline(always)]
    pub(crate) fn of(&self, candidate: usize) -> &[T] {
        let Some(&end) = self.ends.get(candidate) else { return &[] };
        let start = if candidate == 0 { 0 } else { self.ends[candidate - 1] };
        &self.items[start..end]
    }

    /// Adds the list of the next candidate.
    pub(super) fn push(&mut self, list: impl IntoIterator<Item = T>) {
        self.items.extend(list);
        self.ends.push(self.items.len());
    }

    /// Adds the lists of further candidates behind those already here.
    pub(super) fn append(&mut self, mut others: Further<T>) {
        if self.is_empty() {
            *self = others;
            return;
        }
        let start = self.items.len();
        self.items.append(&mut others.items);
        self.ends.extend(others.ends.into_iter().map(|end| start + end));
    }

    /// Forgets the lists' boundaries if all lists are empty.
    pub(super) fn drop_if_all_empty(&mut self) {
        if self.items.is_empty() {
            self.ends.clear();
        }
    }

    /// All items of all candidates.
    pub(crate) fn items(&self) -> &[T] {
        &self.items
    }

    /// All items of all candidates, to be changed.
    pub(super) fn items_mut(&mut self) -> &mut [T] {
        &mut self.items
    }
}

#[cfg(all(test, target_pointer_width = "64"))]
mod tests {
    use super::Further;

    /// Items without a size: 2^33 of them take no memory.
    fn many(count: usize) -> Further<()> {
        Further { items: vec![(); count], ends: vec![count - 7, count] }
    }

    #[test]
    fn more_items_than_32_bits_count() {
        let count = (1 << 33) + 5;
        let mut further = many(count);
        further.append(many(count));
        further.push([(), ()]);
        let lengths: Vec<usize> = (0..6).map(|candidate| further.of(candidate).len()).collect();
        assert_eq!(lengths, [count - 7, 7, count - 7, 7, 2, 0]);
        assert_eq!(further.items().len(), 2 * count + 2);
    }
}
