/* Leads from the site's first page to the documentation in the browser's language. */
"use strict";

const wanted = navigator.languages.find((lang) => /^(en|fr)\b/i.test(lang)) ?? "en";
location.replace(`${wanted.slice(0, 2).toLowerCase()}/index.html`);
