"""The network in the page against the event engine in Python, spike for spike."""

import copy
import json

import nengo
import numpy as np
import pytest
from test_events import N_STEPS, NETWORKS, digits, drawn

from snnlib import (
    DataUnavailableError,
    SpikingConvClassifier,
    fetch_mnist,
    results_path,
    train_test_mnist,
)
from snnlib.architectures import weight_shapes
from snnlib.explorers._network import (
    decode_weights,
    encode_network,
    engine_script,
    network_script,
)

# Most of 10,000 spikes that may come in another step than in Python. Both compute at
# single precision, but log1p and expm1 are not everywhere the same to the last bit, nor
# is a sum with a product in it. On a processor that adds and multiplies in one go, no
# spike of the tests below does.
PER_10_000 = 2

SIMULATE = """([images, settings]) => images.map((image) => {
    const run = snnlib.conv.simulate(network, Float32Array.from(image), settings);
    const scores = snnlib.conv.scores(run, settings);
    return {
        output: Array.from(run.output),
        counts: Array.from(run.counts),
        spikes: run.spikes.map((layer) => layer.map((listed) => Array.from(listed))),
        called: network.classes[scores.indexOf(Math.max(...scores))],
    };
})"""


@pytest.fixture
def page(browser):
    """Return an empty page without a network that has the engine."""
    context = browser.new_context(offline=True)
    page = context.new_page()
    page.set_content(f"<script>{engine_script()}</script>")
    yield page
    context.close()


@pytest.fixture(scope="module")
def mnist():
    """The committed network with the weights of the page, and MNIST's test images."""
    try:
        mnist = fetch_mnist(download_if_missing=False)
    except DataUnavailableError as error:
        pytest.skip(f"needs MNIST: {error}")
    classifier = SpikingConvClassifier.load(results_path("mnist_lif.npz"))
    _, images, _, labels = train_test_mnist(mnist, n_test=1000)
    return decoded(classifier), images, labels


def decoded(classifier):
    """Return a classifier with the weights that the page has."""
    changed = copy.copy(classifier)
    changed.weights_ = decode_weights(encode_network(classifier))
    return changed


def load(page, classifier):
    """Give a network to the page."""
    text = json.dumps(encode_network(classifier))
    page.evaluate("(text) => {network = snnlib.conv.load(JSON.parse(text));}", text)


def in_page(page, classifier, images, n_steps=N_STEPS, **settings):
    """Simulate in the page; return output, counts, spikes and predictions."""
    settings = {
        **classifier._lif.settings,
        **{n: getattr(classifier, n) for n in ("dt", "synapse", "readout")},
        "initial_voltage": classifier.initial_voltage,
        "layer_synapse": classifier.layer_synapse,
        "n_steps": n_steps,
        **settings,
    }
    images = np.reshape(images, (len(images), -1)).tolist()
    runs = page.evaluate(SIMULATE, [images, settings])
    shape = len(images), n_steps, -1
    return (
        np.reshape([run["output"] for run in runs], shape),
        np.reshape([run["counts"] for run in runs], shape),
        [run["spikes"] for run in runs],
        np.array([run["called"] for run in runs]),
    )


def check_parity(classifier, images, there):
    """Compare what the page computed with what the event engine does."""
    output, counts, _, called = there
    run = classifier.simulate(images)
    n_apart = np.abs(counts - run.spike_counts).sum()
    assert n_apart <= run.spike_counts.sum() * PER_10_000 / 10_000
    alike = (counts == run.spike_counts).all(axis=(1, 2))
    scale = np.abs(run.output).max()
    np.testing.assert_allclose(
        output[alike], run.output[alike], rtol=0, atol=1e-5 * scale
    )
    scores = classifier.decide(run.output)
    np.testing.assert_array_equal(called, classifier.classes_[scores.argmax(axis=1)])
    return n_apart, run.spike_counts.sum()


def small(name):
    """Return a small network with random weights that the page can hold."""
    architecture, shape, parameters = NETWORKS[name]
    classifier = drawn(architecture, shape, **parameters)
    # NumPy's random numbers have 64 bits, weights 32.
    classifier.weights_ = [np.float32(weights) for weights in classifier.weights_]
    return decoded(classifier.set_params(presentation_time=N_STEPS * classifier.dt))


@pytest.mark.parametrize("name", NETWORKS)
def test_weights_are_kept_to_a_part_in_250_of_the_largest(name):
    """A byte a weight: half a step of 1/127 off at most; biases are what they were."""
    architecture, shape, parameters = NETWORKS[name]
    classifier = drawn(architecture, shape, **parameters)
    weights = decode_weights(encode_network(classifier))
    assert [weight.shape for weight in weights] == weight_shapes(shape, 3, architecture)
    for kernel, bias, before, bias_before in zip(
        weights[::2],
        weights[1::2],
        classifier.weights_[::2],
        classifier.weights_[1::2],
        strict=True,
    ):
        assert kernel.dtype == bias.dtype == np.float32
        np.testing.assert_array_equal(bias, np.float32(bias_before))
        largest = np.abs(before).reshape(-1, before.shape[-1]).max(axis=0)
        assert (np.abs(kernel - before) <= 0.501 * largest / 127).all()


def test_weights_that_were_encoded_stay_what_they_are():
    """Encoded again they lose nothing; a channel without weights stays without."""
    classifier = small("fully connected")
    classifier.weights_[0][..., 1] = 0
    once = decode_weights(encode_network(classifier))
    for weights, before in zip(once, classifier.weights_, strict=True):
        np.testing.assert_array_equal(weights, before)


def test_committed_network_takes_less_than_300_kilobytes():
    """Weights, settings and all, as the page loads them: 169 kB."""
    classifier = SpikingConvClassifier.load(results_path("mnist_lif.npz"))
    script = network_script("mnist_lif", classifier)
    assert len(script.encode()) < 175_000


@pytest.mark.browser
@pytest.mark.parametrize("name", NETWORKS)
def test_page_has_the_weights_of_python(name, page):
    """To the last bit; the page lays them out in an order of its own."""
    classifier = small(name)
    load(page, classifier)
    there = page.evaluate(
        "network.stages.flatMap((s) => [s.weights, s.bias].map((w) => Array.from(w)))"
    )
    for ours, theirs in zip(classifier.weights_, there, strict=True):
        np.testing.assert_array_equal(np.sort(theirs), np.sort(ours, axis=None))


@pytest.mark.browser
@pytest.mark.parametrize("name", NETWORKS)
def test_page_spikes_as_python(name, page):
    """Every kind of layer and setting: each layer's spikes in each step, outputs."""
    classifier = small(name)
    load(page, classifier)
    images = digits(4, classifier.image_shape_)
    there = in_page(page, classifier, images, keep_spikes=True)
    assert there[1].sum() > 100
    check_parity(classifier, images, there)
    flat = [[np.concatenate(layer) for layer in run] for run in there[2]]
    counts = [[len(layer) for layer in run] for run in flat]
    np.testing.assert_array_equal(counts, there[1].sum(axis=1))
    expected = classifier.spike_trains(images)
    for layer, trains in enumerate(expected):
        for image, spikes in enumerate(trains.reshape(len(images), N_STEPS, -1)):
            listed = np.zeros_like(spikes)
            for step, neurons in enumerate(there[2][image][layer]):
                listed[step, neurons] = True
            assert (listed != spikes).mean() <= PER_10_000 / 10_000


@pytest.mark.browser
@pytest.mark.parametrize("initial_voltage", ["zero", "uniform", "dither"])
def test_page_starts_at_the_voltages_of_python(initial_voltage, page):
    """The page draws the numbers that NumPy's generator draws from the same seed."""
    classifier = small("pool after conv").set_params(initial_voltage=initial_voltage)
    load(page, classifier)
    images = digits(4, classifier.image_shape_)
    there = in_page(page, classifier, images)
    apart, total = check_parity(classifier, images, there)
    assert apart == 0 < total


@pytest.mark.browser
@pytest.mark.parametrize("readout", ["last", "mean", "overall"])
def test_page_decides_as_the_classifier(readout, page):
    """Predictions follow synapse and read-out as in Python."""
    classifier = small("many channels").set_params(readout=readout, synapse=0.01)
    load(page, classifier)
    images = digits(10, classifier.image_shape_)
    check_parity(classifier, images, in_page(page, classifier, images))


@pytest.mark.browser
@pytest.mark.parametrize("min_voltage", [0, -1])
def test_neurons_together_spike_as_one_alone(min_voltage, page):
    """At constant currents, a population spikes as ``nengo.LIF``, but for rounding."""
    rng = np.random.default_rng(1)
    currents = rng.uniform(-2, 20, size=200).astype(np.float32).astype(float)
    neuron = {"tau_rc": 0.02, "tau_ref": 0.003, "min_voltage": min_voltage}
    there = page.evaluate(
        """([currents, neuron]) => {
            const constant = Float32Array.from(currents);
            const zeros = new Float32Array(constant.length);
            const all = snnlib.lif.population(zeros, constant, 1);
            const shared = snnlib.lif.constants(neuron, 0.001);
            const alone = currents.map(
                (J) => snnlib.lif.simulate(J, 200, 0.001, neuron).spikes.length
            );
            const together = currents.map(() => 0);
            for (let step = 0; step < 200; step++) {
                snnlib.lif.step_population(all, shared);
                for (let k = 0; k < all.n_listed; k++) together[all.listed[k]]++;
            }
            return [alone, together];
        }""",
        [currents.tolist(), neuron],
    )
    voltage, refractory = np.zeros(200), np.zeros(200)
    output, counts = np.zeros(200), np.zeros(200)
    lif = nengo.LIF(**neuron)
    for _ in range(200):
        lif.step(0.001, currents, output, voltage=voltage, refractory_time=refractory)
        counts += output > 0
    np.testing.assert_array_equal(there[0], counts)
    np.testing.assert_allclose(there[1], counts, atol=1)
    assert np.sum(np.array(there[1]) != counts) <= 2


# Open a network as a page does, and gather what `on_step` is told.
RUN_IN_WORKER = """async ([address, images, settings]) => {
    const encoded = await snnlib.worker.load("small", address);
    const again = await snnlib.worker.load("small", address);
    const network = snnlib.worker.start(encoded);
    const steps = [];
    const all = images.map((image, i) => network.run(
        Float32Array.from(image), settings, (brought) => steps.push([i, brought.step])
    ));
    const results = await Promise.all(all);
    const lazy = network.run(Float32Array.from(images[0]), settings);
    const last = await lazy;
    network.close();
    const counts = (result) => result && Array.from(result.counts);
    const scores = results.map((result) => result && result.scores);
    const same = encoded === again;
    return [same, steps, results.map(counts), counts(last), scores];
}"""


@pytest.fixture
def on_disk(browser, tmp_path):
    """Return a page opened from a file, and the network whose weights lie beside."""
    classifier = small("many channels")
    (tmp_path / "small.js").write_text(network_script("small", classifier))
    html = f"<!doctype html><title>A page</title><script>{engine_script()}</script>"
    (tmp_path / "page.html").write_text(html)
    context = browser.new_context(offline=True)
    page = context.new_page()
    page.goto((tmp_path / "page.html").as_uri())
    yield page, classifier
    context.close()


@pytest.mark.browser
def test_worker_runs_from_a_file(on_disk):
    """Weights load when asked for, steps come in order, a new image ends a run."""
    page, classifier = on_disk
    images = digits(2, classifier.image_shape_)
    settings = encode_network(classifier)["settings"] | {"n_steps": N_STEPS}
    shown = np.reshape(images, (2, -1)).tolist()
    same, steps, counts, again, scores = page.evaluate(
        RUN_IN_WORKER, ["small.js", shown, settings]
    )
    assert same
    run = classifier.simulate(images)
    assert counts[0] is None
    assert scores[0] is None
    assert steps == [[1, step] for step in range(N_STEPS)]
    expected = run.spike_counts.reshape(2, -1)
    for there, here in ((counts[1], expected[1]), (again, expected[0])):
        assert np.abs(np.array(there) - here).sum() <= 1
    np.testing.assert_allclose(
        scores[1], classifier.decide(run.output)[1], rtol=1e-3, atol=1e-3
    )


@pytest.mark.browser
def test_worker_says_what_is_missing(on_disk):
    """Weights that are not there are named, and can be asked for again."""
    page, _ = on_disk
    load_it = "(name) => snnlib.worker.load('small', name).catch((e) => e.message)"
    assert (
        page.evaluate(load_it, "none.js") == "The weights of small are not at none.js."
    )
    assert page.evaluate(load_it, "small.js")["architecture"]


# Milliseconds of each of so many runs, and of what fills a frame of 16 ms.
TIME = """([images, settings]) => images.map(function (image) {
    const shown = Float32Array.from(image);
    let began = performance.now();
    snnlib.conv.simulate(network, shown, settings);
    const run = performance.now() - began;
    began = performance.now();
    let sum = 0;
    for (let i = 2; i < 3000000; i++) sum += Math.log1p(-1 / i);
    return run / (performance.now() - began + 0 * sum);
})"""


@pytest.mark.browser
@pytest.mark.timing
@pytest.mark.parametrize(("n_steps", "milliseconds"), [(30, 150), (8, 60)])
def test_page_shows_a_digit_before_the_reader_waits(n_steps, milliseconds, page):
    """The median of 20 runs, each against what the machine does in a frame."""
    classifier = SpikingConvClassifier.load(results_path("mnist_lif.npz"))
    load(page, classifier)
    settings = encode_network(classifier)["settings"] | {"n_steps": n_steps}
    images = digits(20).reshape(20, -1).tolist()
    shares = page.evaluate(TIME, [images, settings])
    assert 16 * np.median(shares) < milliseconds


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"initial_voltage": "uniform"},
        {"initial_voltage": "dither"},
        {"max_rate": 250.0},
        {"tau_rc": 0.22},
    ],
    ids=str,
)
def test_page_spikes_as_python_on_200_digits(settings, mnist, page):
    """The committed network: spikes of each layer and step, and every prediction."""
    classifier, images, _ = mnist
    classifier = copy.copy(classifier).set_params(**settings)
    load(page, classifier)
    check_parity(classifier, images[:200], in_page(page, classifier, images[:200]))


@pytest.mark.slow
@pytest.mark.browser
def test_page_is_as_accurate_as_the_network_it_shows(mnist, page):
    """On 1,000 digits, within 0.3 points of the weights that were trained."""
    classifier, images, labels = mnist
    load(page, classifier)
    called = [
        called
        for part in np.split(images, 10)
        for called in in_page(page, classifier, part)[3]
    ]
    trained = SpikingConvClassifier.load(results_path("mnist_lif.npz"))
    expected = trained.predict(images)
    there, here = (100 * np.mean(c == labels) for c in (called, expected))
    assert abs(there - here) <= 0.3
