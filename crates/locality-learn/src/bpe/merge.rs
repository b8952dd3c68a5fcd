//! Merges within one word.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::Bpe;

/// No place.
const NONE: u32 = u32::MAX;

/// What one word needs, used again for the next.
#[derive(Default)]
pub(super) struct Room {
    codes: Vec<u32>,
    before: Vec<u32>,
    after: Vec<u32>,
    /// Ranks of the merges that can be made, and where.
    open: BinaryHeap<Reverse<(u32, u32)>>,
}

impl Room {
    /// Appends the codes of a word: of all merges that can be made the one of the lowest rank is made, the leftmost first, until none
    /// is left. It takes `n log n` for `n` bytes.
    pub(super) fn word(&mut self, bpe: &Bpe, word: &[u8], out: &mut Vec<u32>) {
        // Longer words are cut: places are 32 bits wide.
        for word in word.chunks(NONE as usize) {
            self.part(bpe, word, out);
        }
    }

    fn part(&mut self, bpe: &Bpe, word: &[u8], out: &mut Vec<u32>) {
        let n = word.len() as u32;
        self.codes.clear();
        let codes = word.iter().map(|b| bpe.bytes[usize::from(*b)]);
        self.codes.extend(codes);
        self.before.clear();
        self.before.extend((0..n).map(|i| i.wrapping_sub(1)));
        self.after.clear();
        self.after.extend(1..=n);
        if let Some(last) = self.after.last_mut() {
            *last = NONE;
        }
        self.open.clear();
        for at in 1..n {
            self.offer(bpe, at - 1);
        }
        while let Some(Reverse((rank, at))) = self.open.pop() {
            let right = self.after[at as usize];
            let [a, b, made] = bpe.merges[rank as usize];
            // One of the two may have gone into another merge meanwhile.
            if right == NONE || self.codes[at as usize] != a || self.codes[right as usize] != b {
                continue;
            }
            self.codes[at as usize] = made;
            self.codes[right as usize] = NONE;
            let next = self.after[right as usize];
            self.after[at as usize] = next;
            if next != NONE {
                self.before[next as usize] = at;
                self.offer(bpe, at);
            }
            let previous = self.before[at as usize];
            if previous != NONE {
                self.offer(bpe, previous);
            }
        }
        out.extend(self.codes.iter().filter(|code| **code != NONE));
    }

    /// Notes the merge of a place with the one behind it.
    fn offer(&mut self, bpe: &Bpe, at: u32) {
        let right = self.after[at as usize];
        let pair = [self.codes[at as usize], self.codes[right as usize]];
        if let Some(rank) = bpe.ranks.get(&pair) {
            self.open.push(Reverse((*rank, at)));
        }
    }
}
