//! Models that ONNX Runtime rewrites while it loads them, so that it then fails or gives other
//! integers.
//!
//! Its rules join neighbours, after they removed what does nothing and moved transpositions away.
//! Which nodes are neighbours in the end can not be known exactly; where it matters, the answer here
//! is the cautious one. `agreement/rewrites.rs` asks ONNX Runtime itself.

use super::{integer, integers, onnx, operand, word, Data, ImportError, Importer, Value};
use std::collections::BTreeMap;

/// The most nodes in a row that do nothing, or transpose, so that a check of all nodes takes linear
/// time.
const MAX_VANISHING: usize = 1000;

/// Refuses what the rules make unlike the model.
pub(super) fn check(importer: &Importer<'_>) -> Result<(), ImportError> {
	let graph = Graph::new(importer);
	for node in &importer.model.nodes {
		match node.operator.as_str() {
			"Relu" => graph.relu(node)?,
			"Div" => graph.reciprocal(node)?,
			"MaxPool" => graph.max_pool(node)?,
			_ => (),
		}
	}
	Ok(())
}

struct Graph<'i, 'a> {
	importer: &'i Importer<'a>,
	/// The nodes that read each value.
	readers: BTreeMap<&'a str, Vec<&'a onnx::Node>>,
	/// The node that gives each value.
	givers: BTreeMap<&'a str, &'a onnx::Node>,
	output: &'a str,
}

impl<'i, 'a> Graph<'i, 'a> {
	fn new(importer: &'i Importer<'a>) -> Self {
		let model = importer.model;
		let mut readers: BTreeMap<&str, Vec<&onnx::Node>> = BTreeMap::new();
		let mut givers = BTreeMap::new();
		for node in &model.nodes {
			for input in &node.inputs {
				readers.entry(input).or_default().push(node);
			}
			givers.extend(node.outputs.iter().map(|output| (output.as_str(), node)));
		}
		let output = model.outputs.first().map_or("", |output| output.name.as_str());
		Self { importer, readers, givers, output }
	}

	fn value(&self, name: &str) -> Option<&'i Value> {
		self.importer.values.get(name)
	}

	/// The number that a value of one element is, whatever the input.
	fn number(&self, name: &str) -> Option<i64> {
		match (self.importer.model.constants.get(name), self.value(name)) {
			(Some(tensor), _) if tensor.elements() == 1 => integers(&tensor.data)?.pop(),
			(None, Some(value)) if value.division.is_none() => {
				match self.importer.bounds[value.index][..] {
					[bounds] if bounds.lo == bounds.hi => Some(bounds.lo),
					_ => None,
				}
			},
			_ => None,
		}
	}

	/// Whether a node that reads `name` is removed, or may be moved away.
	fn vanishes(&self, node: &onnx::Node, name: &str) -> bool {
		let output = node.outputs[0].as_str();
		let (Some(from), Some(to)) = (self.value(name), self.value(output)) else { return false };
		let unchanged = from.shape == to.shape;
		let is = |at: usize, neutral: i64| {
			unchanged && node.inputs[at] != name && self.number(&node.inputs[at]) == Some(neutral)
		};
		output != self.output
			&& match node.operator.as_str() {
				"Identity" | "Transpose" => true,
				"Cast" => from.element == to.element,
				"Expand" => unchanged,
				"Slice" => unchanged && self.is_open(&node.inputs[2]),
				"Add" => is(0, 0) || is(1, 0),
				"Sub" => is(1, 0),
				"Mul" => is(0, 1) || is(1, 1),
				"Div" => is(1, 1),
				_ => false,
			}
	}

	/// Whether the ends of a `Slice` are the greatest integers.
	fn is_open(&self, ends: &str) -> bool {
		match self.importer.model.constants.get(ends).map(|tensor| &tensor.data) {
			Some(Data::I64(ends)) => ends.iter().all(|&end| end == i64::MAX),
			_ => false,
		}
	}

	/// The nodes that read a node's result after nodes have vanished, and whether the output is it.
	fn readers(&self, node: &'a onnx::Node) -> Result<(Vec<&'a onnx::Node>, bool), ImportError> {
		let (mut names, mut nodes, mut is_output) = (vec![&*node.outputs[0]], Vec::new(), false);
		let mut steps = 0..=MAX_VANISHING;
		while let Some(name) = names.pop() {
			steps.next().ok_or_else(|| too_far(node))?;
			is_output |= name == self.output;
			for &node in self.readers.get(name).into_iter().flatten() {
				match self.vanishes(node, name) {
					true => names.push(&node.outputs[0]),
					false => nodes.push(node),
				}
			}
		}
		Ok((nodes, is_output))
	}

	/// A `Relu` that only a `Clip` with a lower limit reads is joined with it, which is written for
	/// floats: the model is not loaded. Equal `Clip`s are one.
	fn relu(&self, relu: &'a onnx::Node) -> Result<(), ImportError> {
		let (readers, is_output) = self.readers(relu)?;
		let limit = |clip: &onnx::Node, at: usize| {
			let name = clip.inputs.get(at).filter(|name| !name.is_empty());
			name.and_then(|name| self.importer.model.constants.get(name))
		};
		let joined = |clip: &onnx::Node| {
			clip.operator == "Clip"
				&& limit(clip, 1).is_some()
				&& (1..3).all(|at| limit(clip, at) == limit(readers[0], at))
		};
		if is_output || readers.is_empty() || !readers.iter().all(|node| joined(node)) {
			return Ok(());
		}
		let reason = format!(
			"ONNX Runtime joins it with the int32 Relu '{}' before it, and then does not load the \
			 model; leave the Relu out, and raise the Clip's lower limit to 0",
			relu.name
		);
		Err(operand(readers[0], reason))
	}

	/// `1 / x · y` becomes `y / x`, which is another integer.
	fn reciprocal(&self, div: &'a onnx::Node) -> Result<(), ImportError> {
		if self.number(&div.inputs[0]) != Some(1)
			|| self.readers(div)?.0.iter().all(|node| node.operator != "Mul")
		{
			return Ok(());
		}
		let reason =
			"ONNX Runtime makes 1 / x · y into y / x, which is another integer; put an Abs \
		              between the Div and the Mul, which changes nothing";
		Err(operand(div, reason))
	}

	/// A `Pad` with zeros becomes `pads` of the `MaxPool` that reads it. There they must be smaller
	/// than the window; and with `ceil_mode`, a window that begins in them is left out.
	fn max_pool(&self, pool: &'a onnx::Node) -> Result<(), ImportError> {
		let Some(padded) = self.value(&pool.inputs[0]) else { return Ok(()) };
		let Some(result) = self.value(&pool.outputs[0]) else { return Ok(()) };
		if word(pool, "auto_pad", "NOTSET")? != "NOTSET" {
			return Ok(());
		}
		let rank = padded.shape.len();
		let list = |name, default: i64, length: usize| -> Result<Vec<i64>, ImportError> {
			Ok(super::list(pool, name)?.map_or_else(|| vec![default; length], <[i64]>::to_vec))
		};
		let kernel = list("kernel_shape", 1, rank - 2)?;
		let strides = list("strides", 1, rank - 2)?;
		let own = list("pads", 0, 2 * (rank - 2))?;
		// What is added before and after each dimension of the pool's input.
		let (mut before, mut after) = (vec![0i64; rank], vec![0i64; rank]);
		let mut axes: Vec<usize> = (0..rank).collect();
		let mut name = pool.inputs[0].as_str();
		let mut pad = None;
		let mut steps = 0..MAX_VANISHING;
		while let Some(&node) = self.givers.get(name).filter(|node| node.outputs[0] != self.output)
		{
			steps.next().ok_or_else(|| too_far(pool))?;
			let from = node.inputs.iter().take(2).find(|input| self.vanishes(node, input));
			match (node.operator.as_str(), from) {
				("Cast", _) => name = &node.inputs[0],
				("Pad", _) => {
					let Some(pads) = self.zeros(node, rank) else { break };
					if [axes[0], axes[1]].iter().any(|&at| pads[at] + pads[at + rank] != 0) {
						break;
					}
					for (at, &axis) in axes.iter().enumerate() {
						before[at] += pads[axis];
						after[at] += pads[axis + rank];
					}
					pad = Some(node);
					name = &node.inputs[0];
				},
				("Transpose", Some(from)) => {
					let order = super::list(node, "perm")?;
					let to = |axis: usize| match order {
						Some(order) => order[axis] as usize,
						None => rank - 1 - axis,
					};
					axes = axes.into_iter().map(to).collect();
					name = from;
				},
				(_, Some(from)) => name = from,
				_ => break,
			}
		}
		let Some(pad) = pad else { return Ok(()) };
		let ceil = integer(pool, "ceil_mode", 0)? != 0;
		for axis in 0..rank - 2 {
			let (front, back) =
				(own[axis] + before[axis + 2], own[axis + rank - 2] + after[axis + 2]);
			let last = (result.shape[axis + 2] as i64 - 1) * strides[axis];
			let left_out =
				ceil && last >= padded.shape[axis + 2] as i64 + own[axis] - after[axis + 2];
			if front.max(back) >= kernel[axis] || left_out {
				let reason = format!(
					"ONNX Runtime makes the zeros of the Pad '{}' pads of its own, {}; write all \
					 padding into the Pad, and auto_pad VALID here",
					pad.name,
					if left_out {
						"and leaves out the last windows"
					} else {
						"where they are not smaller than the window"
					}
				);
				return Err(operand(pool, reason));
			}
		}
		Ok(())
	}

	/// The pads of a `Pad` with zeros and without axes, none negative.
	fn zeros(&self, pad: &onnx::Node, rank: usize) -> Option<Vec<i64>> {
		word(pad, "mode", "constant").ok().filter(|&mode| mode == "constant")?;
		let fill = pad.inputs.get(2).filter(|name| !name.is_empty());
		let pads = self.importer.constant_integers(pad, 1).ok()?;
		let fits = pads.len() == 2 * rank && pads.iter().all(|&pad| pad >= 0);
		(fits && pad.inputs.len() <= 3 && fill.is_none_or(|name| self.number(name) == Some(0)))
			.then_some(pads)
	}
}

fn too_far(node: &onnx::Node) -> ImportError {
	let reason = format!(
		"more than {MAX_VANISHING} nodes beside it do nothing, or transpose; leave them out"
	);
	operand(node, reason)
}
