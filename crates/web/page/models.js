/* The choice of the model, and its card. */

import { at, element } from "./dom.js";

/* Units and forms of entries of a card. */
const number = (value) => value.toLocaleString("en");
const FORMS = {
  bytes: (value) => ["Size", `${number(Math.round(value / 1000))} KB`],
  parameters: (value) => ["Parameters", number(value)],
};

/** Lists the models; `onChange(model)` is called with the first one and after every choice. */
export function showModels(models, onChange) {
  const select = at("models");
  select.replaceChildren(...models.map(({ name, description }) => element("option", { value: name }, description ? `${name}: ${description}` : name)));
  const change = () => {
    const model = models[select.selectedIndex];
    showCard(model);
    onChange(model);
  };
  select.onchange = change;
  at("choice").hidden = false;
  change();
}

function showCard(model) {
  const { labels, kind, sample_rate: rate } = model;
  const task = kind === "frames" ? "One probability per frame" : "One label per recording";
  const shown = labels.length > 12 ? `${labels.slice(0, 12).join(", ")} and ${labels.length - 12} more` : labels.join(", ");
  at("model-summary").textContent = `${task}: ${shown}.`;
  const entries = Object.entries(model.card ?? {}).filter(([, value]) => value !== null && value !== "");
  const rows = [
    ["Predicts", task],
    [`Labels (${labels.length})`, labels.join(", ")],
    ["Sample rate", `${number(rate)} Hz; other rates are resampled`],
    ...entries.map(([name, value]) => FORMS[name]?.(value) ?? [title(name), String(value)]),
  ];
  if (model.keywords) {
    rows.push(["Keywords", Object.entries(model.keywords).map(([label, threshold]) => `${label} from ${threshold}`).join(", ")]);
  }
  at("card-facts").replaceChildren(...rows.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value))));
}

const title = (name) => (name[0].toUpperCase() + name.slice(1)).replaceAll("_", " ");
