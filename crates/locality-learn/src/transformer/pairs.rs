//! The Transformer from one sequence to another: an encoder, and a decoder that looks at what it made.

use std::ops::Range;

use locality_core::{Error, Result, Watch};

use super::TransformerConfig;
use super::tokens::Tokens;
use crate::decoder_layer::DecoderLayer;
use crate::fit::{FitConfig, History, fit, split};
use crate::heads::Source;
use crate::hierarchy::HierarchicalModel;
use crate::layers::{Linear, Norm, cross_entropy};
use crate::{Chance, Layer, Layout, Number, Pass, Sets};

/// A source and what is to come out for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pair {
    /// Codes that the encoder sees.
    pub source: Vec<u32>,
    /// Codes that the decoder is to write, without those that begin and end every target.
    pub target: Vec<u32>,
}

/// An encoder and a decoder (Vaswani et al. 2017) built only from local means: [local layers](crate::LocalLayer) over the source, and
/// [`DecoderLayer`]s over the target and what came out of those, under any kernel.
///
/// ```
/// use locality_learn::{EncoderDecoder, FitConfig, Pair, Sampler, TransformerConfig};
/// // Codes 0 and 1 stand for letters, 2 begins and 3 ends a target.
/// let encoder = TransformerConfig::encoder(2, 4).layers(1).heads(1).width(8);
/// let decoder = TransformerConfig::decoder(4, 6).layers(1).heads(1).width(8);
/// let mut model = EncoderDecoder::<f32>::new(&encoder, &decoder, (2, 3), 1)?;
/// let pair = |source: &[u32]| Pair { source: source.into(), target: source.into() };
/// let pairs: Vec<Pair> = (0..16).map(|i| pair(&[i % 2, 1 - i % 2])).collect();
/// let config = FitConfig { epochs: 2, batch: 8, ..FitConfig::default() };
/// let history = model.fit(&pairs, &config, &locality_core::Watch::default())?;
/// assert_eq!(history.training.len(), 2);
/// let answer = model.answer(&[0, 1], 4, Sampler::default())?.codes()?;
/// assert!(answer.len() <= 4);
/// # Ok::<(), locality_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct EncoderDecoder<T> {
    pub(super) decoder: TransformerConfig,
    layout: Layout,
    pub(super) tokens: [Tokens; 2],
    stack: HierarchicalModel,
    pub(super) layers: Vec<DecoderLayer>,
    last: Option<Norm>,
    pub(super) scores: Linear,
    pub(super) begin: u32,
    pub(super) end: u32,
    /// Every parameter, as [`layout`](Self::layout) says.
    pub parameters: Vec<T>,
}

/// A batch of pairs, laid out.
struct Batch {
    source: (Vec<u32>, Sets),
    /// What the decoder sees, and what is to come after each.
    target: (Vec<u32>, Vec<u32>, Sets),
}

/// Pairs whose loss is taken at once: more need no more memory.
const PIECE: usize = 64;

/// Dropouts of the decoder are numbered from here on.
const DECODER: usize = 1 << 20;

impl<T: Number> EncoderDecoder<T> {
    /// Makes the model, its parameters drawn from a seed. The widths of the two may differ; `ends` are the codes that begin and end every target.
    ///
    /// # Errors
    /// As [`TransformerConfig::build`], an encoder that is causal or a decoder that is not, ends beyond the decoder's codes.
    pub fn new(
        encoder: &TransformerConfig,
        decoder: &TransformerConfig,
        ends: (u32, u32),
        seed: u64,
    ) -> Result<Self> {
        encoder.check()?;
        decoder.check()?;
        if encoder.causal || !decoder.causal {
            return Err(Error::parameter(
                "an encoder sees all of its source and a decoder only what it has written; build them with TransformerConfig::encoder and \
                 TransformerConfig::decoder",
            ));
        }
        let (begin, end) = ends;
        if let Some(code) = [begin, end].iter().find(|c| **c as usize >= decoder.codes) {
            return Err(Error::parameter(format!(
                "ends={ends:?} has the code {code}, but the decoder has {} codes, counted from 0",
                decoder.codes
            )));
        }
        let mut layout = Layout::default();
        let own = &mut layout;
        let source = Tokens::new(own, "source.", encoder, 0)?;
        let stack = HierarchicalModel::new(own, "source.layers", &encoder.layer_configs()?)?;
        let target = Tokens::new(own, "target.", decoder, 3 * DECODER as u64)?;
        let configs = decoder.layer_configs()?;
        let layers = configs.iter().enumerate().map(|(i, c)| {
            let name = format!("target.layers.{i}");
            DecoderLayer::new(own, &name, c, encoder.width, DECODER + i)
        });
        let layers = layers.collect::<Result<Vec<_>>>()?;
        let last = configs[0].last_norm(own, "target.layers.norm");
        let scores = target.scores(own, decoder);
        layout.reserve::<T>(1)?;
        Ok(Self {
            decoder: decoder.clone(),
            parameters: layout.initialize(seed),
            layout,
            tokens: [source, target],
            stack,
            layers,
            last,
            scores,
            begin,
            end,
        })
    }

    /// The same sizes with other parameters, in the order of the layout.
    ///
    /// # Errors
    /// As many parameters as the layout does not have, numbers that are not finite.
    pub fn with_parameters(mut self, parameters: Vec<T>) -> Result<Self> {
        self.layout.check(&parameters)?;
        if parameters.iter().any(|x| !x.is_finite()) {
            return Err(Error::not_finite(
                "parameters have NaN or infinite numbers; the model is damaged",
            ));
        }
        self.parameters = parameters;
        Ok(self)
    }

    /// Names and places of its parameters.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The vectors `[rows, width]` of a source's codes in their context.
    ///
    /// # Errors
    /// Codes beyond the table, as many codes as the sets do not have, sequences longer than the context.
    pub fn encode(&self, source: &[u32], sets: &Sets) -> Result<Vec<T>> {
        self.tokens[0].check(source, sets)?;
        self.layout.check(&self.parameters)?;
        let x = self.tokens[0].embed(&self.parameters, source, sets, 0)?;
        self.stack.predict(&self.parameters, &x, &Pass::new(sets))
    }

    /// The scores `[target, codes]` of what comes after each code of the targets, which begin with the code for that.
    ///
    /// # Errors
    /// As [`encode`](Self::encode), of sources and targets; as many targets as there are not sources.
    pub fn scores(
        &self,
        (source, sources): (&[u32], &Sets),
        (target, targets): (&[u32], &Sets),
    ) -> Result<Vec<T>> {
        self.tokens[1].check(target, targets)?;
        let rows = &self.encode(source, sources)?;
        let source = Source {
            rows,
            sets: sources,
        };
        let (p, pass) = (&self.parameters[..], Pass::new(targets));
        let mut x = self.tokens[1].embed(p, target, targets, 0)?;
        for layer in &self.layers {
            x = layer.predict(p, &x, source, &pass)?;
        }
        Ok(self.scores.apply(p, &self.normed(&x, &pass)?))
    }

    pub(super) fn normed(&self, x: &[T], pass: &Pass<'_>) -> Result<Vec<T>> {
        match &self.last {
            Some(norm) => norm.predict(&self.parameters, x, pass),
            None => Ok(x.to_vec()),
        }
    }

    /// Lays out pairs, one after another.
    fn batch<'a>(&self, pairs: impl Iterator<Item = &'a Pair>) -> Result<Batch> {
        let (mut source, mut seen, mut expected) = (Vec::new(), Vec::new(), Vec::new());
        let (mut sources, mut targets) = (Vec::new(), Vec::new());
        for pair in pairs {
            source.extend(&pair.source);
            sources.push(pair.source.len());
            seen.push(self.begin);
            seen.extend(&pair.target);
            expected.extend(&pair.target);
            expected.push(self.end);
            targets.push(pair.target.len() + 1);
        }
        Ok(Batch {
            source: (source, Sets::of(&sources)?),
            target: (seen, expected, Sets::of(&targets)?),
        })
    }

    /// The mean cross entropy of the targets of pairs, their ends included, in nats a code.
    ///
    /// # Errors
    /// No pairs, an empty source, and as [`scores`](Self::scores).
    pub fn loss(&self, pairs: &[Pair]) -> Result<f64> {
        if pairs.is_empty() {
            return Err(Error::empty("there are no pairs; give at least one"));
        }
        self.loss_in_pieces(&pairs.iter().collect::<Vec<_>>(), PIECE)
    }

    /// Piece by piece, so that many pairs need no more memory than a few.
    fn loss_in_pieces(&self, pairs: &[&Pair], size: usize) -> Result<f64> {
        let (mut sum, mut count) = (0.0, 0);
        for some in pairs.chunks(size) {
            let batch = self.batch(some.iter().copied())?;
            let n = batch.target.1.len();
            sum += self.loss_of(&batch)? * n as f64;
            count += n;
        }
        Ok(sum / count as f64)
    }

    fn loss_of(&self, batch: &Batch) -> Result<f64> {
        let (seen, expected, targets) = &batch.target;
        let (source, sources) = &batch.source;
        let scores = self.scores((source, sources), (seen, targets))?;
        Ok(cross_entropy(&scores, expected, self.decoder.codes)?.0)
    }

    /// The same in training, with dropout where the configurations have some and `chance` is given; derivatives by the parameters are added to
    /// `gradients`.
    ///
    /// # Errors
    /// As [`loss`](Self::loss).
    pub fn pull_back(
        &self,
        pairs: &[Pair],
        chance: Option<Chance>,
        gradients: &mut [T],
    ) -> Result<f64> {
        self.back(&self.batch(pairs.iter())?, chance, gradients)
    }

    fn back(&self, batch: &Batch, chance: Option<Chance>, gradients: &mut [T]) -> Result<f64> {
        let (seen, expected, targets) = &batch.target;
        let (codes, sources) = &batch.source;
        let [below, above] = &self.tokens;
        below.check(codes, sources)?;
        above.check(seen, targets)?;
        self.layout.check(&self.parameters)?;
        self.layout.check(gradients)?;
        let p = &self.parameters[..];
        let (pass, across) = (
            &Pass {
                sets: targets,
                chance,
            },
            &Pass {
                sets: sources,
                chance,
            },
        );
        // Forward.
        let mut lowest = below.embed(p, codes, sources, 0)?;
        below.drop(&mut lowest, across);
        let (rows, stack) = self.stack.forward(p, &lowest, across)?;
        let source = Source {
            rows: &rows,
            sets: sources,
        };
        let mut x = above.embed(p, seen, targets, 0)?;
        above.drop(&mut x, pass);
        let mut kept = Vec::with_capacity(self.layers.len());
        for layer in &self.layers {
            let (out, own) = layer.forward(p, &x, source, pass)?;
            kept.push((std::mem::replace(&mut x, out), own));
        }
        let (top, norm) = match &self.last {
            Some(norm) => {
                let (top, kept) = norm.forward(p, &x, pass)?;
                (top, Some((norm, kept)))
            }
            None => (x.clone(), None),
        };
        let scores = self.scores.apply(p, &top);
        let (loss, flow) = cross_entropy(&scores, expected, self.decoder.codes)?;
        // And back.
        let map = &self.scores;
        let mut flow = map.pull_back(p, &top, &(), &flow, gradients, pass)?;
        if let Some((norm, kept)) = norm {
            flow = norm.pull_back(p, &x, &kept, &flow, gradients, pass)?;
        }
        let mut by_source = vec![T::ZERO; rows.len()];
        for (layer, (x, own)) in self.layers.iter().zip(&kept).rev() {
            let by = &mut by_source;
            flow = layer.pull_back(p, x, source, own, &flow, gradients, by, pass)?;
        }
        above.pull_back(seen, &mut flow, gradients, pass)?;
        let own = &self.stack;
        let mut flow = own.pull_back(p, &lowest, &stack, &by_source, gradients, across)?;
        below.pull_back(codes, &mut flow, gradients, across)?;
        Ok(loss)
    }

    /// Trains on pairs; some are held out and say when to stop, see [`FitConfig`]. The decoder is given the right codes so far
    /// (teacher forcing). After an error the parameters are what they were.
    ///
    /// # Errors
    /// No pairs, numbers out of their range, an interruption, and as [`loss`](Self::loss).
    pub fn fit(
        &mut self,
        pairs: &[Pair],
        config: &FitConfig,
        watch: &Watch<'_>,
    ) -> Result<History> {
        // What is wrong with a pair is said before training.
        for pair in pairs {
            let batch = self.batch(std::iter::once(pair))?;
            self.tokens[0].check(&batch.source.0, &batch.source.1)?;
            self.tokens[1].check(&batch.target.0, &batch.target.2)?;
        }
        if pairs.is_empty() {
            return Err(Error::empty("there are no pairs; give at least one"));
        }
        config.check()?;
        let (training, held_out) = split(pairs.len(), config.validation, config.seed);
        let (layout, mut parameters) = (self.layout.clone(), self.parameters.clone());
        // The objective writes into those of the model.
        let before = parameters.clone();
        let all: Range<usize> = 0..layout.len();
        let objective = |p: &[T], rows: crate::fit::Batch<'_>, gradients: Option<&mut [T]>| {
            self.parameters.copy_from_slice(p);
            if let Some(gradients) = gradients {
                let batch = self.batch(rows.rows.iter().map(|&i| &pairs[i]))?;
                let chance = Some(Chance::new(config.seed, rows.round));
                return self.back(&batch, chance, gradients);
            }
            let some: Vec<&Pair> = rows.rows.iter().map(|&i| &pairs[i]).collect();
            self.loss_in_pieces(&some, config.batch)
        };
        let rows = (&training[..], &held_out[..]);
        let history = fit(
            &layout,
            &all,
            &mut parameters,
            rows,
            config,
            watch,
            objective,
        );
        self.parameters = if history.is_ok() { parameters } else { before };
        history
    }
}
