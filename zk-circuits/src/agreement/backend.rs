//! The cases that the Python package `onnx` generates for its operators
//! (`scripts/models/backend_cases.py`), and the table in `docs/operators.md` that their run gives.

use super::onnxruntime::Session;
use crate::{
	network::{opsets, Network},
	onnx::Model,
	quantize::{self, FloatModel, Format, Options, Rows},
	ElementType, OPSETS,
};
use ark_std::rand::{rngs::StdRng, Rng, SeedableRng};
use std::{collections::BTreeMap, fmt::Write as _};

/// The largest error of the float model, as a part of the largest number that a case gives.
const FLOAT_TOLERANCE: f64 = 1e-4;
/// The largest error of the provable model that `quantize` makes, in the same unit.
const TOLERANCE: f64 = 0.03;
/// Calibration rows beside the case's own input, each of numbers of that input in another order.
const ROWS: usize = 7;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Form {
	/// Through `quantize`.
	Float,
	/// Through the importer.
	Integer,
}

struct Case {
	name: String,
	operator: String,
	/// The first opset that has the operator.
	since: i64,
	form: Form,
	model: Vec<u8>,
	input: Vec<u8>,
	output: Vec<u8>,
}

fn cases() -> Vec<Case> {
	let mut file = &include_bytes!("../../tests/fixtures/backend_cases.bin")[..];
	let mut field = || {
		let (length, rest) = file.split_first_chunk()?;
		let (field, rest) = rest.split_at(u32::from_le_bytes(*length) as usize);
		file = rest;
		Some(field.to_vec())
	};
	let text = |bytes| String::from_utf8(bytes).expect("text");
	let mut cases = Vec::new();
	while let Some(name) = field() {
		let mut field = || field().expect("a whole record");
		cases.push(Case {
			name: text(name),
			operator: text(field()),
			since: text(field()).parse().expect("a number"),
			form: match &field()[..] {
				b"float" => Form::Float,
				_ => Form::Integer,
			},
			model: field(),
			input: field(),
			output: field(),
		});
	}
	cases
}

/// What became of a case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
	Passed,
	/// The case contradicts ONNX Runtime, which gives what we give.
	Contradicts,
	/// The provable model is further from the float model than [`TOLERANCE`].
	Coarse,
	Refused(String),
}

impl Case {
	fn run(&self) -> Outcome {
		let outcome = match self.form {
			Form::Float => self.quantise(),
			Form::Integer => self.import(),
		};
		if let Outcome::Refused(error) = &outcome {
			assert!(self.is_named_in(error), "{}: {error}", self.name);
		}
		outcome
	}

	/// Whether an error names a node, an operator, or a value of the model.
	fn is_named_in(&self, error: &str) -> bool {
		let Ok(model) = Model::read_any(&self.model) else {
			return ["tensor '", "graph value '", "opset"].iter().any(|word| error.contains(word));
		};
		let values = model.inputs.iter().chain(&model.outputs).map(|value| &value.name);
		let nodes = model.nodes.iter().map(|node| &node.name);
		values.chain(nodes).any(|name| error.contains(&format!("'{name}'")))
			|| error.contains("outputs; a provable model has one of each")
	}

	/// Integers: exactly what the case gives, and what ONNX Runtime gives.
	fn import(&self) -> Outcome {
		let network = match Network::from_onnx(&self.model) {
			Ok(network) => network,
			Err(error) => return Outcome::Refused(error.to_string()),
		};
		let output = network.execute(&self.input).expect("the case's input");
		assert_eq!(output, self.output, "{}", self.name);
		assert_eq!(output, Session::open(&self.model).run(&network, &self.input), "{}", self.name);
		Outcome::Passed
	}

	/// Floats: the float model is exact but for rounding, the provable one close to it, and the
	/// executor gives what ONNX Runtime gives.
	fn quantise(&self) -> Outcome {
		let refused = |error: quantize::QuantizeError| Outcome::Refused(error.to_string());
		let float = match FloatModel::from_onnx(&self.model) {
			Ok(float) => float,
			Err(error) => return refused(error),
		};
		assert!(!self.output.is_empty(), "{} can not be compared: it must be refused", self.name);
		let (x, expected) = (floats(&self.input), floats(&self.output));
		let row: Vec<f32> = x.iter().map(|&x| x as f32).collect();
		let y = float.execute(&row).expect("the case's input");
		let quantised = match quantize::quantize(&self.model, &self.rows(&row), Options::default())
		{
			Ok(quantised) => quantised,
			Err(error) => return refused(error),
		};
		// What is quantised already rounds inside; the float model that it stands for does not.
		let tolerance = match self.operator.contains("Linear") {
			true => TOLERANCE,
			false => FLOAT_TOLERANCE,
		};
		let contradicts = error_of(&y, &expected) > tolerance;
		let network = &quantised.network;
		if contradicts {
			let shape = &network.input().shape;
			let reference = Session::open(&self.model).run_floats(shape, &row).expect("a run");
			let reference: Vec<f64> = reference.into_iter().map(f64::from).collect();
			let error = error_of(&y, &reference);
			assert!(error <= tolerance, "{}: {y:?} {expected:?} {reference:?}", self.name);
		}
		let input = quantised.scales.quantize_input(&row);
		let output = network.execute(&input).expect("the case's input");
		assert_eq!(output, Session::open(&quantised.onnx).run(network, &input), "{}", self.name);
		let scale = quantised.scales.output_scale;
		let own: Vec<f64> = match network.output().element {
			ElementType::I64 => output
				.chunks_exact(8)
				.map(|bytes| i64::from_le_bytes(bytes.try_into().expect("eight")) as f64)
				.collect(),
			_ => output
				.chunks_exact(4)
				.map(|bytes| i32::from_le_bytes(bytes.try_into().expect("four")))
				.map(|integer| f64::from(integer) * scale)
				.collect(),
		};
		let error = error_of(&own, &y);
		match (contradicts, error <= TOLERANCE) {
			(true, _) => Outcome::Contradicts,
			(false, true) => Outcome::Passed,
			(false, false) => Outcome::Coarse,
		}
	}

	/// The case's input, and rows of its numbers in another order.
	fn rows(&self, row: &[f32]) -> Rows {
		let mut rng = StdRng::seed_from_u64(row.len() as u64);
		let mut rows: Vec<f32> = row.to_vec();
		for _ in 0..ROWS {
			rows.extend((0..row.len()).map(|_| row[rng.gen_range(0..row.len())]));
		}
		let bytes: Vec<u8> = rows.iter().flat_map(|x| x.to_le_bytes()).collect();
		Rows::read(Format::F32, &bytes, row.len()).expect("whole rows")
	}
}

fn floats(bytes: &[u8]) -> Vec<f64> {
	bytes
		.chunks_exact(4)
		.map(|bytes| f32::from_le_bytes(bytes.try_into().expect("four")).into())
		.collect()
}

/// The largest difference, as a part of the largest number expected.
fn error_of(y: &[f64], expected: &[f64]) -> f64 {
	assert_eq!(y.len(), expected.len());
	let largest = expected.iter().fold(0.0f64, |largest, y| largest.max(y.abs()));
	let error = y.iter().zip(expected).map(|(y, e)| (y - e).abs()).fold(
		0.0,
		|worst: f64, error| match error.is_nan() {
			true => f64::INFINITY,
			false => worst.max(error),
		},
	);
	match error == 0.0 {
		true => 0.0,
		false => error / largest,
	}
}

/// The operators of the issue that this crate is built by; the others come along.
const LISTED: [&str; 48] = [
	"Abs",
	"Add",
	"ArgMax",
	"AveragePool",
	"BatchNormalization",
	"Clip",
	"Concat",
	"Conv",
	"ConvInteger",
	"ConvTranspose",
	"DequantizeLinear",
	"Elu",
	"Erf",
	"Exp",
	"Flatten",
	"Gather",
	"Gelu",
	"Gemm",
	"GlobalAveragePool",
	"HardSigmoid",
	"HardSwish",
	"LeakyRelu",
	"MatMul",
	"MatMulInteger",
	"Max",
	"MaxPool",
	"Min",
	"Mul",
	"PRelu",
	"Pad",
	"QLinearConv",
	"QLinearMatMul",
	"QuantizeLinear",
	"ReduceMean",
	"ReduceSum",
	"Relu",
	"Reshape",
	"Resize",
	"Sigmoid",
	"Slice",
	"Softmax",
	"Softplus",
	"Split",
	"Squeeze",
	"Sub",
	"Tanh",
	"Transpose",
	"Unsqueeze",
];

/// What the run says of one operator in one form.
fn summary(outcomes: &[Outcome]) -> String {
	let count = |wanted: &dyn Fn(&Outcome) -> bool| outcomes.iter().filter(|o| wanted(o)).count();
	let counts = [
		(count(&|outcome| *outcome == Outcome::Passed), "passed"),
		(count(&|outcome| *outcome == Outcome::Contradicts), "as ONNX Runtime"),
		(count(&|outcome| *outcome == Outcome::Coarse), "coarse"),
		(count(&|outcome| matches!(outcome, Outcome::Refused(_))), "refused"),
	];
	let parts: Vec<String> = counts
		.iter()
		.filter(|(count, _)| *count > 0)
		.map(|(count, word)| format!("{count} {word}"))
		.collect();
	match parts.is_empty() {
		true => "–".into(),
		false => parts.join(", "),
	}
}

/// The totals, and two tables: of operators, and of the cases that did not pass.
fn table(cases: &[(Case, Outcome)]) -> String {
	let mut operators: BTreeMap<&str, BTreeMap<Form, Vec<Outcome>>> = BTreeMap::new();
	let mut since = BTreeMap::new();
	let mut rest: BTreeMap<(&str, Form, String), Vec<&str>> = BTreeMap::new();
	for (case, outcome) in cases {
		let forms = operators.entry(&case.operator).or_default();
		forms.entry(case.form).or_default().push(outcome.clone());
		since.insert(case.operator.as_str(), case.since.max(*OPSETS.start()));
		let why = match outcome {
			Outcome::Passed => continue,
			Outcome::Contradicts => {
				"the case says otherwise than ONNX Runtime, whose numbers these are".into()
			},
			Outcome::Coarse => {
				let percent = 100.0 * TOLERANCE;
				format!("256 steps are too coarse: the error exceeds {percent} %")
			},
			Outcome::Refused(error) => error.clone(),
		};
		rest.entry((&case.operator, case.form, why)).or_default().push(&case.name);
	}
	let total = |form| {
		let of_form = cases.iter().filter(|(case, _)| case.form == form);
		summary(&of_form.map(|(_, outcome)| outcome.clone()).collect::<Vec<_>>())
	};
	let mut text = format!(
		"In total, quantised: {}. Provable as they are: {}.\n\n\
		 | operator | quantised from | cases | provable as it is from | cases |\n\
		 |---|---|---|---|---|\n",
		total(Form::Float),
		total(Form::Integer),
	);
	for (operator, forms) in &operators {
		let of = |form| forms.get(&form).map(Vec::as_slice).unwrap_or_default();
		let float = of(Form::Float);
		let integer = of(Form::Integer);
		let from = |outcomes: &[Outcome], least: i64| match outcomes
			.iter()
			.any(|outcome| matches!(outcome, Outcome::Passed | Outcome::Contradicts))
		{
			true => least.to_string(),
			false => "–".into(),
		};
		writeln!(
			text,
			"| {operator} | {} | {} | {} | {} |",
			from(float, since[operator]),
			summary(float),
			from(integer, since[operator].max(opsets::least(operator))),
			summary(integer),
		)
		.expect("written");
	}
	text.push_str("\n| operator | form | cases | what is said |\n|---|---|---|---|\n");
	for ((operator, form, why), names) in &rest {
		let form = match form {
			Form::Float => "float",
			Form::Integer => "integer",
		};
		let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
		writeln!(text, "| {operator} | {form} | {} | {why} |", names.join(", ")).expect("written");
	}
	text
}

const PAGE: &str = "../docs/operators.md";
const BEGIN: &str = "<!-- written by the run -->\n\n";
const END: &str = "\n<!-- end of what the run wrote -->\n";

/// Writes the table where `ZKONNX_WRITE_OPERATORS` is set.
#[test]
fn the_table_of_operators_is_what_the_cases_give() {
	let cases: Vec<(Case, Outcome)> = cases()
		.into_iter()
		.map(|case| {
			let outcome = case.run();
			(case, outcome)
		})
		.collect();
	assert!(LISTED.iter().all(|operator| cases
		.iter()
		.any(|(case, outcome)| case.operator == *operator && *outcome == Outcome::Passed)));
	let page = std::fs::read_to_string(PAGE).expect("docs/operators.md");
	let (before, rest) = page.split_once(BEGIN).expect("a place for the run");
	let (found, after) = rest.split_once(END).expect("its end");
	let expected = table(&cases);
	if std::env::var_os("ZKONNX_WRITE_OPERATORS").is_some() {
		std::fs::write(PAGE, [before, BEGIN, &expected, END, after].concat()).expect("written");
		return;
	}
	assert!(
		found == expected,
		"docs/operators.md is out of date: run this test with ZKONNX_WRITE_OPERATORS=1"
	);
}
