/* Sphinx looks in a page for the stems of the words ("accuraci" for "accuracy"), which no
   text holds, and reads the header's buttons along. Loaded before its own script. */
document.addEventListener("DOMContentLoaded", () => {
  const { htmlToText, makeSearchSummary } = Search;
  const query = new URLSearchParams(location.search).get("q") ?? "";
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);

  Search.htmlToText = (html, anchor) => {
    const page = new DOMParser().parseFromString(html, "text/html");
    const article = page.querySelector("article.bd-article");
    if (article === null) return htmlToText(html, anchor);
    page.body.innerHTML = `<div role="main">${article.innerHTML}</div>`;
    return htmlToText(page.body.innerHTML, anchor).replace(/\s+/g, " ");
  };
  // It shows the place of the last word that it finds.
  Search.makeSearchSummary = (html, stems, anchor) =>
    makeSearchSummary(html, [...stems, ...words], anchor);
});
