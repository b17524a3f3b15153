#pragma once

#include "api/caller.h"
#include "api/http/message.h"
#include "api/rql.h"
#include "api/services.h"

namespace mintmark {

// Whether the page can be read from rows on disk, unless many tokens have come since the list's first page.
bool is_plain(const ListQuery& query);

// The page of the account's tokens that the query asks for, or 400. Plain pages near the newest token are
// read from rows on disk; everything else from the tokens in memory (TokenList::blocks), which the first such
// query of an account loads. Later pages of a list leave out what was created after its first
// (api/list_cursors.h). It blocks on disk.
http::Response answer_token_list(Services& services, const Caller& caller, const ListQuery& query);

}  // namespace mintmark
