//! Merges from a text.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use super::words::words;

/// Codes by which a text's bytes become merges: `merges[i]` makes the code `256 + i`.
pub(super) fn learn(text: &str, most: usize) -> Vec<[u32; 2]> {
    let mut counts: HashMap<&str, u64> = HashMap::new();
    for word in words(text) {
        *counts.entry(word).or_default() += 1;
    }
    let each = counts.into_iter().map(|(word, count)| {
        let codes: Vec<u32> = word.bytes().map(u32::from).collect();
        (codes, count)
    });
    let mut corpus = Corpus {
        words: each.collect(),
        ..Corpus::default()
    };
    corpus.count();
    let mut merges = Vec::new();
    while merges.len() < most {
        let Some(pair) = corpus.commonest() else {
            break;
        };
        corpus.merge(pair, 256 + merges.len() as u32);
        merges.push(pair);
    }
    merges
}

/// Distinct words with how often they occur, and their pairs.
#[derive(Default)]
struct Corpus {
    words: Vec<(Vec<u32>, u64)>,
    pairs: HashMap<[u32; 2], Pair>,
    /// Counts that were true once: those of the pairs are at most these.
    open: BinaryHeap<(u64, Reverse<[u32; 2]>)>,
}

#[derive(Default)]
struct Pair {
    count: u64,
    /// Words that have it, or had it, some of them more than once.
    words: Vec<usize>,
}

impl Corpus {
    fn count(&mut self) {
        for (at, (codes, count)) in self.words.iter().enumerate() {
            for pair in codes.windows(2) {
                let entry = self.pairs.entry([pair[0], pair[1]]).or_default();
                entry.count += count;
                entry.words.push(at);
            }
        }
        let all = self.pairs.iter();
        self.open = all.map(|(pair, p)| (p.count, Reverse(*pair))).collect();
    }

    /// The commonest pair, of equals the one of the smallest codes, so that no order of a table matters; none that occurs only once.
    fn commonest(&mut self) -> Option<[u32; 2]> {
        while let Some((count, Reverse(pair))) = self.open.pop() {
            let now = self.pairs.get(&pair).map_or(0, |p| p.count);
            if now == count {
                return (count > 1).then_some(pair);
            }
            if now > 0 {
                self.open.push((now, Reverse(pair)));
            }
        }
        None
    }

    /// Makes every such pair one code, from left to right.
    fn merge(&mut self, pair: [u32; 2], made: u32) {
        let Some(Pair { mut words, .. }) = self.pairs.remove(&pair) else {
            return;
        };
        words.sort_unstable();
        words.dedup();
        let mut grown: Vec<[u32; 2]> = Vec::new();
        for at in words {
            let (codes, count) = &mut self.words[at];
            let old = std::mem::take(codes);
            let mut from = 0;
            while from < old.len() {
                if old[from..].starts_with(&pair) {
                    codes.push(made);
                    from += 2;
                } else {
                    codes.push(old[from]);
                    from += 1;
                }
            }
            if codes.len() == old.len() {
                continue;
            }
            // The word's old pairs go, its new ones come.
            for gone in old.windows(2) {
                if let Some(entry) = self.pairs.get_mut(gone) {
                    entry.count -= *count;
                }
            }
            for new in codes.windows(2) {
                let key = [new[0], new[1]];
                let entry = self.pairs.entry(key).or_default();
                entry.count += *count;
                if key.contains(&made) {
                    entry.words.push(at);
                    grown.push(key);
                }
            }
        }
        grown.sort_unstable();
        grown.dedup();
        for key in grown {
            self.open.push((self.pairs[&key].count, Reverse(key)));
        }
    }
}
