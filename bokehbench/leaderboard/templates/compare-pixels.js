// Pictures as numbers. A page opened from a file may show another file but not read its pixels; a script it may
// load. So each picture comes as a script with the bytes of a lossless WebP, and everything that is made of
// pixels (error maps, circles of confusion, values under the pointer) is computed here.
"use strict";
Compare.pixels = (() => {
  const KEPT = 6e6 * (navigator.deviceMemory ?? 8); // pixels that stay decoded after use, at most 200 to 400 MB
  const FIRST_CODE = 0x3400; // as in pictures.py: 15 bits a letter
  const ERROR_SCALE = 64; // 8-bit units that the end of the colours stands for
  const SHARP = 1; // pixels of blur radius that count as in focus, as in the scores by region

  // ------------------------------------------------------------------------------------------ colours

  const STOPS = {
    error: ["#000004", "#1b0c41", "#4a0c6b", "#781c6d", "#a52c60", "#cf4446", "#ed6925", "#fb9b06", "#f7d13d", "#fcffa4"],
    signed: ["#b3dcff", "#4a9be0", "#1c5a94", "#0b2743", "#000000", "#43220a", "#94501a", "#e08a3a", "#ffdcae"],
    coc: ["#08306b", "#1f6fb8", "#63b0e6", "#b8b8b8", "#ffa04d", "#e0600e", "#8a2d04"],
    disparity: ["#440154", "#482878", "#3e4a89", "#31688e", "#26828e", "#1f9e89", "#35b779", "#6ece58", "#b5de2b", "#fde725"],
    plane: ["#ffe14d"],
  };
  const channels = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  const pack = ([r, g, b], alpha = 1) => ((Math.round(255 * alpha) << 24) | (b << 16) | (g << 8) | r) >>> 0;
  // What is in focus stays as it is; the larger the circle of confusion, the more of the picture it covers.
  const alphaOf = (name, share) => (name === "coc" ? Math.abs(2 * share - 1) : 1);
  const STEPS = 1024;
  const table = (name) =>
    Uint32Array.from({ length: STEPS + 1 }, (_, index) => {
      const stops = STOPS[name];
      const at = (index / STEPS) * (stops.length - 1);
      const low = Math.min(Math.floor(at), stops.length - 2);
      const [p, q] = [channels(stops[low]), channels(stops[low + 1])];
      return pack(p.map((v, c) => Math.round(v + (q[c] - v) * (at - low))), alphaOf(name, index / STEPS));
    });
  const tables = {};
  const colours = (name) => (tables[name] ??= table(name));
  const gradient = (name) => {
    const stops = STOPS[name].map((hex, index, all) => `rgb(${channels(hex).join(" ")} / ${alphaOf(name, index / (all.length - 1)).toFixed(3)})`);
    return `linear-gradient(90deg, ${stops.join(", ")})`;
  };

  // ------------------------------------------------------------------------------------------ loading

  const waiting = new Map();
  window.BOKEHBENCH_PICTURE = (id, length, text) => waiting.get(id)?.(unpack(text, length));
  const unpack = (text, length) => {
    const bytes = new Uint8Array(length);
    let [held, bits, at] = [0, 0, 0];
    for (let index = 0; index < text.length; index++) {
      held = (held << 15) | (text.charCodeAt(index) - FIRST_CODE);
      for (bits += 15; bits >= 8 && at < length; bytes[at++] = held >> bits) bits -= 8;
      held &= (1 << bits) - 1;
    }
    return bytes;
  };
  const bytesOf = (id) =>
    new Promise((resolve, reject) => {
      const script = document.createElement("script");
      const done = () => (waiting.delete(id), script.remove());
      waiting.set(id, resolve);
      script.onload = done;
      script.onerror = () => (done(), reject(new Error(`assets/pictures/${id}.js is missing`)));
      script.src = `assets/pictures/${id}.js`;
      document.head.append(script);
    });

  const context = (width, height) =>
    Object.assign(document.createElement("canvas"), { width, height }).getContext("2d", { willReadFrequently: true });
  const fromBitmap = (bitmap) => ({
    width: bitmap.width,
    height: bitmap.height,
    bitmap,
    // [4 H W] bytes, read when they are first asked for.
    get rgba() {
      const on = context(bitmap.width, bitmap.height);
      on.drawImage(bitmap, 0, 0);
      Object.defineProperty(this, "rgba", { value: on.getImageData(0, 0, bitmap.width, bitmap.height).data });
      return this.rgba;
    },
  });
  const fromColours = async (words, width, height) =>
    fromBitmap(await createImageBitmap(new ImageData(new Uint8ClampedArray(words.buffer), width, height)));
  const decode = async (id) => {
    const file = new Blob([await bytesOf(id)], { type: "image/webp" });
    return fromBitmap(await createImageBitmap(file, { colorSpaceConversion: "none", premultiplyAlpha: "none" }));
  };
  // Disparity has 16 bits: the high ones are stored as red, the low ones as green.
  const decodeDisparity = async (id) => {
    const stored = await decode(id);
    const { rgba, width, height } = stored;
    const values = new Float32Array(width * height);
    const words = new Uint32Array(values.length);
    for (let i = 0; i < values.length; i++) {
      values[i] = (256 * rgba[4 * i] + rgba[4 * i + 1]) / 65535;
      const grey = Math.round(255 * values[i]);
      words[i] = pack([grey, grey, grey]);
    }
    stored.bitmap.close();
    return Object.assign(await fromColours(words, width, height), { values });
  };

  const LOADING = 1e-6; // the size of what has none yet
  // What was used last stays; what is older goes once there is too much.
  const cache = new Map();
  const keep = (key, make) => {
    const entry = cache.get(key) ?? { layer: make(), size: 0 };
    cache.delete(key);
    cache.set(key, entry);
    if (!entry.size) {
      entry.size = LOADING;
      entry.layer.then((layer) => ((entry.size = layer.width * layer.height), (layer.key = key)), () => cache.delete(key));
    }
    return entry.layer;
  };
  const release = (used, most = KEPT) => {
    let total = [...cache.values()].reduce((sum, entry) => sum + entry.size, 0);
    for (const [key, entry] of cache) {
      if (total <= most) break;
      if (used.has(key) || entry.size === LOADING) continue;
      cache.delete(key);
      total -= entry.size;
      entry.layer.then((layer) => layer.bitmap.close());
    }
    return total;
  };
  const picture = (item, source) => {
    const id = item.pictures[source];
    return keep(id, () => (Compare.isDisparity(source) ? decodeDisparity(id) : decode(id)));
  };

  // ------------------------------------------------------------------------------------------ maps

  // Rec. 709 luma of encoded values, 8-bit units.
  const luma = (rgba, at) => 0.2126 * rgba[at] + 0.7152 * rgba[at + 1] + 0.0722 * rgba[at + 2];
  const measures = {
    error: (a, b, at) => (Math.abs(a[at] - b[at]) + Math.abs(a[at + 1] - b[at + 1]) + Math.abs(a[at + 2] - b[at + 2])) / 3,
    signed: (a, b, at) => luma(a, at) - luma(b, at),
  };
  // Colours follow the square root, so that what is small can be seen too.
  const bothSides = (value, end) => 0.5 + 0.5 * Math.sign(value) * Math.sqrt(Math.min(1, Math.abs(value) / end));
  const position = {
    error: (value) => Math.sqrt(Math.min(1, value / ERROR_SCALE)),
    signed: (value) => bothSides(value, ERROR_SCALE),
  };
  const errorMap = (item, source, against, kind) =>
    keep(`${kind} ${item.pictures[source]} ${item.pictures[against]}`, async () => {
      const [a, b] = await Promise.all([picture(item, source), picture(item, against)]);
      if (a.width !== b.width || a.height !== b.height) throw new Error(`not the size of the ${Compare.caption(against)}`);
      const [p, q, palette, measure, where] = [a.rgba, b.rgba, colours(kind), measures[kind], position[kind]];
      const words = new Uint32Array(a.width * a.height);
      for (let i = 0; i < words.length; i++) words[i] = palette[Math.round(STEPS * where(measure(p, q, 4 * i)))];
      return fromColours(words, a.width, a.height);
    });

  // The largest blur radius of a case, rounded up to a number that a legend can bear.
  const niceLimit = (values, K, focus) => {
    let most = 0;
    for (const value of values) most = Math.max(most, Math.abs(K * (value - focus)));
    const power = 10 ** Math.floor(Math.log10(Math.max(most, 0.1)));
    return power * [1, 2, 3, 4, 6, 8, 10].find((step) => step * power >= most * 0.999);
  };
  const onDisparity = (name, item, source, make) =>
    keep(`${name} ${item.pictures[source]}`, async () => {
      const { values, width, height } = await picture(item, source);
      const words = new Uint32Array(values.length);
      const about = make(values, words, width, height);
      return Object.assign(await fromColours(words, width, height), about);
    });
  const overlays = {
    // Signed defocus S = K (disparity - focus): blue behind the focal plane, orange before it.
    coc: (item, source, K) =>
      onDisparity(`coc ${K} ${item.focus}`, item, source, (values, words) => {
        const [limit, palette] = [niceLimit(values, K, item.focus), colours("coc")];
        for (let i = 0; i < words.length; i++) words[i] = palette[Math.round(STEPS * bothSides(K * (values[i] - item.focus), limit))];
        return { limit };
      }),
    // The outline of what is in focus: a line wide enough to be seen when the picture is shown small.
    plane: (item, source, K) =>
      onDisparity(`plane ${K} ${item.focus}`, item, source, (values, words, width, height) => {
        const sharp = (i) => Math.abs(K * (values[i] - item.focus)) <= SHARP;
        const [reach, line] = [Math.max(1, Math.round(width / 900)), pack(channels(STOPS.plane[0]))];
        for (let y = 0; y < height; y++)
          for (let x = 0; x < width; x++) {
            const i = y * width + x;
            if (!sharp(i)) continue;
            const edge =
              (x >= reach && !sharp(i - reach)) || (x + reach < width && !sharp(i + reach)) ||
              (y >= reach && !sharp(i - reach * width)) || (y + reach < height && !sharp(i + reach * width));
            if (edge) words[i] = line;
          }
        return {};
      }),
    disparity: (item, source) =>
      onDisparity("colours", item, source, (values, words) => {
        const palette = colours("disparity");
        for (let i = 0; i < words.length; i++) words[i] = palette[Math.round(STEPS * values[i])];
        return {};
      }),
  };

  return { ERROR_SCALE, SHARP, picture, errorMap, overlays, measures, gradient, release, context };
})();
