/* SPDX-License-Identifier: MIT */
/* util/list.h: a circular doubly linked list whose links live in its members.
 */
#ifndef HL_UTIL_LIST_H
#define HL_UTIL_LIST_H

#include <stdbool.h>
#include <stddef.h>

/* Both a list's head and a member's link. A link in no list points to itself,
 * so that it may be unlinked at any time. */
struct hl_list {
	struct hl_list *next, *prev;
};

#define hl_list_entry(link, type, member)                                      \
	((type *)(void *)((char *)(link)-offsetof(type, member)))

static inline void hl_list_init(struct hl_list *list)
{
	list->next = list;
	list->prev = list;
}

static inline bool hl_list_empty(const struct hl_list *list)
{
	return list->next == list;
}

static inline void hl_list_append(struct hl_list *list, struct hl_list *link)
{
	link->prev = list->prev;
	link->next = list;
	list->prev->next = link;
	list->prev = link;
}

static inline void hl_list_unlink(struct hl_list *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
	hl_list_init(link);
}

/* Appends the link unless it is in a list already. */
static inline void hl_list_append_once(struct hl_list *list,
				       struct hl_list *link)
{
	if (hl_list_empty(link))
		hl_list_append(list, link);
}

/* Moves all members of `from` to the end of `to`. */
static inline void hl_list_splice(struct hl_list *to, struct hl_list *from)
{
	if (hl_list_empty(from))
		return;
	from->next->prev = to->prev;
	from->prev->next = to;
	to->prev->next = from->next;
	to->prev = from->prev;
	hl_list_init(from);
}

#endif
