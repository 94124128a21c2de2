// Answers are <details>: they unfold by themselves. This counts which were chosen first.
document.addEventListener("DOMContentLoaded", () => {
  const options = document.querySelectorAll("section[id^=quiz] details.option");
  if (!options.length) return;
  const questions = [];
  for (const option of options) {
    const isNext = option.previousElementSibling?.matches("details.option");
    if (isNext) questions.at(-1).push(option);
    else questions.push([option]);
  }
  const first = new Map();
  const score = document.createElement("p");
  score.setAttribute("role", "status");
  options[options.length - 1].after(score);
  for (const question of questions) {
    for (const option of question) {
      option.addEventListener("toggle", () => {
        if (!option.open || first.has(question)) return;
        first.set(question, option.matches(".right"));
        const right = [...first.values()].filter(Boolean).length;
        const asked = `${first.size} of ${questions.length}`;
        score.textContent = `Answered: ${asked}. Right at the first try: ${right}.`;
      });
    }
  }
});
